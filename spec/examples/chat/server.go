// The chat on gorilla/websocket. Its port is the first argument.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

type message map[string]any

type client struct {
	name   string
	socket *websocket.Conn
	outbox chan message
	done   chan struct{}
}

var (
	mutex       sync.Mutex
	rooms       = map[string]map[*client]bool{}
	connections atomic.Int64
	wants       = map[string][]string{"join": {"room"}, "leave": {"room"}, "say": {"room", "text"}, "ping": {}}
	most        = map[string]int{"id": 36, "room": 32, "text": 500}
	upgrader    = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
)

const maxBytes = 8192

func (c *client) send(m message) {
	select {
	case c.outbox <- m:
	default: // does not read: nobody shall wait for it
		c.socket.Close()
	}
}

func text(m message, key string) (string, bool) {
	value, ok := m[key].(string)
	length := utf8.RuneCountInString(value)
	return value, ok && length > 0 && length <= most[key]
}

func refuse(m message, code string) message {
	reply := message{"type": "error", "code": code}
	if id, ok := text(m, "id"); ok {
		reply["re"] = id
	}
	return reply
}

func leave(c *client, room string) {
	delete(rooms[room], c)
	if len(rooms[room]) == 0 {
		delete(rooms, room)
	}
}

func (c *client) answer(raw []byte) {
	var any any
	if json.Unmarshal(raw, &any) != nil {
		c.send(refuse(nil, "BAD_JSON"))
		return
	}
	object, ok := any.(map[string]interface{})
	kind, isText := object["type"].(string)
	m := message(object)
	if !ok || !isText {
		c.send(refuse(m, "BAD_MESSAGE"))
		return
	}
	keys, known := wants[kind]
	if !known {
		c.send(refuse(m, "UNKNOWN_TYPE"))
		return
	}
	for _, key := range append([]string{"id"}, keys...) {
		if _, ok := text(m, key); !ok {
			c.send(refuse(m, "BAD_MESSAGE"))
			return
		}
	}
	id, room := m["id"], ""
	if kind == "ping" {
		c.send(message{"type": "pong", "re": id})
		return
	}
	room = m["room"].(string)
	mutex.Lock()
	defer mutex.Unlock()
	switch kind {
	case "join":
		if rooms[room] == nil {
			rooms[room] = map[*client]bool{}
		}
		rooms[room][c] = true
		c.send(message{"type": "joined", "re": id, "room": room})
	case "leave":
		leave(c, room)
		c.send(message{"type": "left", "re": id, "room": room})
	case "say":
		if !rooms[room][c] {
			c.send(refuse(m, "NOT_A_MEMBER"))
			return
		}
		c.send(message{"type": "said", "re": id, "room": room})
		for member := range rooms[room] {
			if member != c {
				member.send(message{"type": "heard", "room": room, "from": c.name, "text": m["text"]})
			}
		}
	}
}

func (c *client) write() {
	for {
		select {
		case m := <-c.outbox:
			_ = c.socket.WriteJSON(m)
		case <-c.done:
			return
		}
	}
}

func (c *client) bye(code int, reason string) {
	_ = c.socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
}

func serve(w http.ResponseWriter, r *http.Request) {
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	socket.SetReadLimit(maxBytes)
	c := &client{fmt.Sprintf("c%d", connections.Add(1)), socket, make(chan message, 4096), make(chan struct{})}
	go c.write()
	c.send(message{"type": "welcome", "you": c.name})
	for {
		kind, raw, err := socket.ReadMessage()
		if err != nil {
			break
		}
		if kind != websocket.TextMessage {
			c.bye(websocket.CloseUnsupportedData, "text only")
			break
		}
		if !utf8.Valid(raw) { // gorilla does not look
			c.bye(websocket.CloseInvalidFramePayloadData, "no UTF-8")
			break
		}
		c.answer(raw)
	}
	close(c.done)
	mutex.Lock()
	for room, members := range rooms {
		if !members[c] {
			continue
		}
		leave(c, room)
		for member := range members {
			member.send(message{"type": "gone", "room": room, "who": c.name})
		}
	}
	mutex.Unlock()
	socket.Close()
}

func main() {
	http.HandleFunc("/chat", serve)
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
	os.Exit(1)
}

"""What the chat does, without a socket: the same for both Python servers."""
import json

WANTS = {"join": ["room"], "leave": ["room"], "say": ["room", "text"], "ping": []}
MOST = {"id": 36, "room": 32, "text": 500}
MAX_BYTES = 8192


def is_text(value, most):
    return isinstance(value, str) and 0 < len(value) <= most


class Chat:
    def __init__(self):
        self.rooms = {}
        self.connections = 0

    def connect(self):
        self.connections += 1
        return f"c{self.connections}"

    def disconnect(self, client):
        for room in list(self.rooms):
            if client not in self.rooms[room]:
                continue
            self.leave(room, client)
            for send in self.rooms.get(room, {}).values():
                send({"type": "gone", "room": room, "who": client})

    def leave(self, room, client):
        members = self.rooms.get(room, {})
        members.pop(client, None)
        if not members:
            self.rooms.pop(room, None)

    def answer(self, client, send, text):
        """The reply to one text, and what the others hear: a list of (send, message)."""
        try:
            message = json.loads(text, parse_constant=self.refuse)
        except (ValueError, RecursionError):
            return {"type": "error", "code": "BAD_JSON"}, []
        if not isinstance(message, dict):
            return {"type": "error", "code": "BAD_MESSAGE"}, []
        kind, ident = message.get("type"), message.get("id")
        re = {"re": ident} if is_text(ident, MOST["id"]) else {}
        if not isinstance(kind, str):
            return {"type": "error", **re, "code": "BAD_MESSAGE"}, []
        if kind not in WANTS:
            return {"type": "error", **re, "code": "UNKNOWN_TYPE"}, []
        if not all(is_text(message.get(key), MOST[key]) for key in ["id", *WANTS[kind]]):
            return {"type": "error", **re, "code": "BAD_MESSAGE"}, []
        if kind == "ping":
            return {"type": "pong", "re": ident}, []
        room = message["room"]
        if kind == "join":
            self.rooms.setdefault(room, {})[client] = send
            return {"type": "joined", "re": ident, "room": room}, []
        if kind == "leave":
            self.leave(room, client)
            return {"type": "left", "re": ident, "room": room}, []
        members = self.rooms.get(room, {})
        if client not in members:
            return {"type": "error", "re": ident, "code": "NOT_A_MEMBER"}, []
        heard = {"type": "heard", "room": room, "from": client, "text": message["text"]}
        others = [(other, heard) for name, other in members.items() if name != client]
        return {"type": "said", "re": ident, "room": room}, others

    @staticmethod
    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")

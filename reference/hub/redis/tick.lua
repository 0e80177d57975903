-- Tells Redis' clock, and is refused where an append would be. No KEYS: it is for this process, whatever slots it has.
return { 'ok', whole(nowMs) }

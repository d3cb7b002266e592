"""A client with pycrdt. It connects to the address in its argument, and reads requests, a JSON object a line:

    {"op": "insert", "at", "text"}, {"op": "embed", "at"}, {"op": "format", "at", "to"}, {"op": "delete", "at", "to"}, {"op": "read"}

It answers each with the text, after it has sent what the edit has made, and received what others have sent. Indexes count bytes.
"""

import json
import sys

from pycrdt import Doc, Text, create_sync_message, create_update_message, handle_sync_message
from websockets.sync.client import connect



def serve(socket):
    doc = Doc()
    text = doc.get("t", type=Text)
    receiving = False

    def send_update(event):
        if not receiving:
            socket.send(create_update_message(event.update))

    def receive(patience):
        """Handles messages until none arrives for a while."""
        nonlocal receiving
        while True:
            try:
                message = socket.recv(timeout=patience)
            except TimeoutError:
                return
            if message[0] == 0:  # all others are about awareness
                receiving = True
                reply = handle_sync_message(message[1:], doc)
                receiving = False
                if reply:
                    socket.send(reply)

    def edit(op, at=None, to=None, new=None):
        if op == "insert":
            text.insert(at, new)
        elif op == "embed":
            text.insert_embed(at, {"k": 1})
        elif op == "format":
            text.format(at, to, {"b": True})
        elif op == "delete":
            del text[at:to]

    doc.observe(send_update)
    socket.send(create_sync_message(doc))
    receive(0.3)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            edit(request["op"], request.get("at"), request.get("to"), request.get("text"))
            receive(0.05)
            answer = {"view": str(text)}
        except BaseException as error:  # panics of yrs aren't of the class Exception
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


with connect(sys.argv[1]) as socket:
    serve(socket)

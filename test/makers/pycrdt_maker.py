"""Writes and reads documents with pycrdt, which is yrs in Python, as makers.mjs does."""

import base64
import json
import sys
from importlib.metadata import version

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText


def types(doc):
    return (
        doc.get("text", type=Text),
        doc.get("map", type=Map),
        doc.get("array", type=Array),
        doc.get("page", type=XmlFragment),
    )


def view(doc):
    text, map_, array, page = types(doc)
    return {"text": text.diff(), "map": map_.to_py(), "array": array.to_py(), "page": str(page)}


def write():
    docs = [Doc(client_id=i * 1000003) for i in (1, 2, 3)]

    def each(change):
        for i, doc in enumerate(docs):
            with doc.transaction():
                change(doc, i + 1)
        for to in docs:
            for source in docs:
                if to is not source:
                    to.apply_update(source.get_update(to.get_state()))

    def first(doc, author):
        text, map_, array, page = types(doc)
        text.insert(0, f"Typed by {author} \N{EARTH GLOBE EUROPE-AFRICA}é\n", {"bold": True})
        text.insert_embed(5, {"image": f"{author}.png"}, {"width": author})
        map_["last"] = author
        map_[f"of{author}"] = Map({"nested": Array([author]), "text": Text("inner")})
        array.extend([author, "text", None, True, 1.5, -0.25, {"deep": [{"a": 1}]}, []])
        page.children.append(XmlElement("paragraph", {"align": "right"}, [XmlText(f"by {author}"), XmlElement("image")]))

    def second(doc, author):
        text, map_, array, page = types(doc)
        text.format(author, author + 6, {"italic": True, "bold": None})
        # pycrdt counts bytes: these indices fall inside characters.
        del text[author * 3 : author * 3 + 4]
        end = str(text).encode().find("é".encode()) + 1
        text.insert(end, "!")
        map_[f"of{author}"]["nested"].append(Map({"k": "v"}))
        del array[author]
        array.insert(1, Text(f"t{author}"))

    def third(doc, author):
        text, map_, array, page = types(doc)
        if author == 1:
            del map_["of1"]
        elif author == 2:
            del page.children[0]
        else:
            map_["of2"] = "replaced"
        text.insert(0, str(author))

    for step in (first, second, third):
        each(step)
    seen = [view(doc) for doc in docs]
    assert seen[0] == seen[1] == seen[2], seen
    return {
        "v1": base64.b64encode(docs[0].get_update()).decode(),
        "view": seen[0],
        "versions": ["pycrdt " + version("pycrdt")],
    }


def read(update):
    doc = Doc()
    doc.apply_update(base64.b64decode(update))
    return {"view": view(doc)}


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = write() if request["op"] == "make" else read(request["update"])
    except BaseException as error:  # panics of yrs aren't of the class Exception
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)

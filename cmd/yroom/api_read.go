package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/yjs"
)

// format is a way to write a document.
type format struct {
	name       string
	mediaType  string // without parameters
	parameters string // of the media type
	rooted     bool   // it takes the names and kinds of roots
	needsName  bool
	write      func(ctx context.Context, d *yroom.Document, what selection) ([]byte, error)
}

// selection is which part of a document is asked for.
type selection struct {
	name  string // of a root
	named bool
	kinds map[string]yjs.Kind // of roots, where the client says so
}

// formats are all formats. The first is for clients that accept any.
var formats = []format{
	{name: "update", mediaType: updateV1, write: func(ctx context.Context, d *yroom.Document, _ selection) ([]byte, error) {
		return d.Update(ctx, yroom.V1)
	}},
	{name: "update-v2", mediaType: updateV2, write: func(ctx context.Context, d *yroom.Document, _ selection) ([]byte, error) {
		return d.Update(ctx, yroom.V2)
	}},
	{name: "state-vector", mediaType: "application/vnd.yroom.state-vector", write: func(ctx context.Context, d *yroom.Document, _ selection) ([]byte, error) {
		return d.StateVector(ctx)
	}},
	{name: "json", mediaType: "application/json", rooted: true, write: writeJSONOf},
	{name: "text", mediaType: "text/plain", parameters: "; charset=utf-8", rooted: true, needsName: true, write: ofRoot(writeText, yjs.KindText, yjs.KindXMLText)},
	{name: "xml", mediaType: "application/xml", rooted: true, needsName: true, write: ofRoot(writeXML, yjs.KindXMLFragment, yjs.KindXMLElement, yjs.KindXMLText, yjs.KindText)},
	{name: "prosemirror", mediaType: "application/vnd.yroom.prosemirror+json", rooted: true, needsName: true, write: ofRoot(writeProseMirror, yjs.KindXMLFragment)},
	{name: "delta", mediaType: "application/vnd.yroom.delta+json", rooted: true, needsName: true, write: ofRoot(writeDelta, yjs.KindText, yjs.KindXMLText)},
}

// read gives a document in one of the formats.
func (a *api) read(w http.ResponseWriter, r *http.Request, room string) error {
	w.Header().Set("Vary", "Accept")
	format, err := formatOf(r)
	if err != nil {
		return err
	}
	query, err := parameters(r, "format", "name", "root*")
	if err != nil {
		return err
	}
	if !format.rooted && (query.Has("name") || query.Has("root")) {
		return badParameter.because("The format "+format.name+" is of the whole document and takes neither name nor root. These do.", rootedFormats()...)
	}
	what := selection{name: query.Get("name"), named: query.Has("name"), kinds: map[string]yjs.Kind{}}
	if format.needsName && !what.named {
		return badParameter.because("The format " + format.name + " shows one root: say by name which.")
	}
	for _, root := range query["root"] {
		at := max(strings.LastIndex(root, "="), 0) // a kind has none in it, a name may
		kind, err := yjs.ParseKind(strings.TrimPrefix(root[at:], "="))
		if err != nil || !slices.Contains(kinds(), kind.String()) {
			return badParameter.because(fmt.Sprintf("root=%s: want NAME=KIND.", root), kinds()...)
		}
		what.kinds[root[:at]] = kind
	}
	body, err := format.write(r.Context(), a.rooms.Document(room), what)
	if err != nil {
		return err
	}
	return answer(w, r, format.mediaType+format.parameters, body)
}

func rootedFormats() (names []string) {
	for _, f := range formats {
		if f.rooted {
			names = append(names, f.name)
		}
	}
	return names
}

// formatOf gives the format that r asks for.
func formatOf(r *http.Request) (format, error) {
	names, mediaTypes := make([]string, len(formats)), make([]string, len(formats))
	for i, f := range formats {
		names[i], mediaTypes[i] = f.name, f.mediaType
	}
	if query := r.URL.Query(); query.Has("format") {
		for _, f := range formats {
			if f.name == query.Get("format") {
				return f, nil
			}
		}
		return format{}, unknownFormat.because(fmt.Sprintf("%q is none.", query.Get("format")), names...)
	}
	i := choose(accepted(r.Header), mediaTypes)
	if i < 0 {
		return format{}, notAcceptable.because("This is what can be had; ?format= chooses as well.", mediaTypes...)
	}
	return formats[i], nil
}

// kinds are the names of those that a root can have.
func kinds() (names []string) {
	for _, k := range []yjs.Kind{yjs.KindArray, yjs.KindMap, yjs.KindText, yjs.KindXMLElement, yjs.KindXMLFragment, yjs.KindXMLText} {
		names = append(names, k.String())
	}
	return names
}

// writeJSONOf writes all roots as one object, or one of them.
func writeJSONOf(ctx context.Context, d *yroom.Document, what selection) ([]byte, error) {
	doc, err := d.Read(ctx)
	if err != nil {
		return nil, unprintable(err)
	}
	for name := range what.kinds {
		if _, ok := doc.Root(name); !ok {
			return nil, missing(doc, name)
		}
	}
	all, err := doc.JSON(what.kinds)
	if err != nil || !what.named {
		return all, unprintable(err)
	}
	root, ok := doc.Root(what.name)
	if !ok {
		return nil, missing(doc, what.name)
	}
	var roots map[string]json.RawMessage
	if err := json.Unmarshal(all, &roots); err != nil {
		return nil, err
	}
	if one, ok := roots[what.name]; ok {
		return one, nil
	}
	return nil, mistaken(root)
}

// ofRoot makes a writer of a document out of one of a root. kinds are those of
// the roots that it is for, where the client doesn't say that it knows better.
func ofRoot(
	write func(doc *yjs.Doc, name string, kind yjs.Kind) ([]byte, error), kinds ...yjs.Kind,
) func(context.Context, *yroom.Document, selection) ([]byte, error) {
	return func(ctx context.Context, d *yroom.Document, what selection) ([]byte, error) {
		doc, err := d.Read(ctx)
		if err != nil {
			return nil, unprintable(err)
		}
		root, ok := doc.Root(what.name)
		if !ok {
			return nil, missing(doc, what.name)
		}
		kind, said := what.kinds[what.name]
		if !said {
			kind = root.Kind
		}
		if kind != yjs.KindUnknown && !slices.Contains(kinds, kind) {
			return nil, mistaken(root)
		}
		body, err := write(doc, what.name, kind)
		if errors.Is(err, yjs.ErrType) {
			return nil, mistaken(root)
		}
		return body, unprintable(err)
	}
}

// mistaken says that a root is not what was asked for.
func mistaken(root yjs.Root) error {
	if root.Kind == yjs.KindUnknown {
		return wrongKind.because(fmt.Sprintf("The root %q is empty, which doesn’t tell its kind. Say it with root=NAME=KIND.", root.Name), kinds()...)
	}
	return wrongKind.because(fmt.Sprintf("The root %q holds what a root of the kind %s holds. If it is of another, say so with root=NAME=KIND.", root.Name, root.Kind))
}

// unprintable says what it means that a document can't be printed.
func unprintable(err error) error {
	switch {
	case errors.Is(err, yjs.ErrSize):
		return notAcceptable.because("The document has so many formats that it can’t be written with them. As an update, or as text, it can be had.")
	case errors.Is(err, yjs.ErrWork):
		return notAcceptable.because("So much of the document wants to be at the same place that it takes too long to put it in order. As an update it can be had.")
	}
	return err
}

const mostChoices = 100 // of roots, which a document may have without end

func missing(doc *yjs.Doc, name string) error {
	roots := doc.Roots()
	var there []string
	for _, root := range roots[:min(len(roots), mostChoices)] {
		there = append(there, root.Name)
	}
	return noSuchRoot.because(fmt.Sprintf("The document has no root %q. Those that it has are case-sensitive.", name), there...)
}

func writeText(doc *yjs.Doc, name string, _ yjs.Kind) ([]byte, error) {
	text, err := doc.Text(name)
	if err != nil {
		return nil, err
	}
	return []byte(text.String()), nil
}

func writeXML(doc *yjs.Doc, name string, kind yjs.Kind) ([]byte, error) {
	if err := doc.Printable(); err != nil {
		return nil, err
	}
	var xml fmt.Stringer
	var err error
	switch kind {
	case yjs.KindXMLElement:
		xml, err = doc.XMLElement(name)
	case yjs.KindText, yjs.KindXMLText:
		xml, err = doc.XMLText(name)
	default:
		xml, err = doc.XMLFragment(name)
	}
	if err != nil {
		return nil, err
	}
	return []byte(xml.String()), nil
}

func writeProseMirror(doc *yjs.Doc, name string, _ yjs.Kind) ([]byte, error) {
	fragment, err := doc.XMLFragment(name)
	if err != nil {
		return nil, err
	}
	return fragment.ProseMirror()
}

func writeDelta(doc *yjs.Doc, name string, _ yjs.Kind) ([]byte, error) {
	if err := doc.Printable(); err != nil {
		return nil, err
	}
	text, err := doc.Text(name)
	if err != nil {
		return nil, err
	}
	return text.Delta().MarshalJSON() // json.Marshal would escape < and >
}

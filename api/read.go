package api

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/prosemirror"
	"github.com/yroom/yroom/yjs"
)

// format is a format of a document.
type format struct {
	name       string
	mediaType  string                                             // without parameters
	parameters string                                             // of the media type
	rooted     bool                                               // it supports the parameters name and root
	encoded    bool                                               // it is written without integrating the document
	bare       bool                                               // it needs no update
	byBlock    bool                                               // it is written by the schema of the room
	kinds      []yjs.Kind                                         // the kinds of roots that it can write; nil: it writes the whole document
	write      func(i document.Info, s selection) ([]byte, error) // nil if bare is set
}

// needsName reports whether the format is for one root, which has to be named.
func (f format) needsName() bool { return f.kinds != nil && !f.byBlock }

// selection is a part of a document.
type selection struct {
	format format
	name   string // of a root
	named  bool
	kinds  map[string]yjs.Kind // the kinds of roots that the client has sent
	schema *prosemirror.Schema // of the room, if the format needs it
}

// formats holds all formats. The first is the default.
var formats = []format{
	{name: "update", mediaType: TypeUpdateV1, encoded: true, write: func(i document.Info, _ selection) ([]byte, error) { return i.Encode(blocks.V1) }},
	{name: "update-v2", mediaType: TypeUpdateV2, encoded: true, write: func(i document.Info, _ selection) ([]byte, error) { return i.Encode(blocks.V2) }},
	{name: "state-vector", mediaType: "application/vnd.yroom.state-vector", bare: true},
	{name: "json", mediaType: "application/json", rooted: true, write: writeJSON},
	rootFormat(document.FormatText, "text/plain", "; charset=utf-8", yjs.KindText, yjs.KindXMLText),
	rootFormat(document.FormatXML, "application/xml", "", yjs.KindXMLFragment, yjs.KindXMLElement, yjs.KindXMLText, yjs.KindText),
	rootFormat(document.FormatProseMirror, "application/vnd.yroom.prosemirror+json", "", yjs.KindXMLFragment),
	rootFormat(document.FormatDelta, "application/vnd.yroom.delta+json", "", yjs.KindText, yjs.KindXMLText),
	schemaFormat("markdown", "text/markdown", "; charset=utf-8", writeMarkdown),
	schemaFormat("html", "text/html", "; charset=utf-8", writeHTML),
	schemaFormat("blocks", "application/vnd.yroom.blocks+json", "", writeBlocks),
}

func rootFormat(f document.Format, mediaType, parameters string, kinds ...yjs.Kind) format {
	return format{name: string(f), mediaType: mediaType, parameters: parameters, rooted: true, kinds: kinds, write: writeRoot}
}

// read sends a document in one of the formats. It first requests only the state of the
// room, which decides whether the client has the document already, whether another
// request is exporting the same, and how much memory that takes.
func (a *Handler) read(w http.ResponseWriter, r *http.Request, room string) error {
	w.Header().Set("Vary", "Accept")
	s, err := selectionOf(r)
	if err != nil {
		return err
	}
	if s.format.byBlock {
		s.schema = a.schema(room)
		if !s.named {
			s.name = s.schema.Root
		}
	}
	d := a.documents.Document(room)
	info, err := d.Info(r.Context())
	if err != nil {
		return err
	}
	if tag := s.tag(info.Mark); match(r, tag) {
		return notModified(w, tag)
	}
	e := &exported{mark: info.Mark, body: info.Vector}
	if !s.format.bare {
		if e, err = a.export(r.Context(), d, s, info); err != nil {
			return err
		}
		defer a.exports.leave(e)
	}
	tag := s.tag(e.mark)
	if match(r, "*") {
		return notModified(w, tag)
	}
	return answer(w, r, s.format.mediaType+s.format.parameters, tag, e.body)
}

// tag returns the entity tag of the selection at a state of the document.
func (s selection) tag(m event.Mark) string {
	text := fmt.Appendf(nil, "%s %t %q", s.format.name, s.named, s.name)
	for _, name := range slices.Sorted(maps.Keys(s.kinds)) {
		text = fmt.Appendf(text, " %q=%s", name, s.kinds[name])
	}
	if s.schema != nil {
		text = fmt.Appendf(text, " %v", s.schema.Config)
	}
	return `"` + m.String() + "-" + hash(text) + `"`
}

// selectionOf returns what a request selects.
func selectionOf(r *http.Request) (selection, error) {
	f, err := formatOf(r)
	if err != nil {
		return selection{}, err
	}
	query, err := parameters(r, "format", "name", "root*")
	if err != nil {
		return selection{}, err
	}
	if !f.rooted && (query.Has("name") || query.Has("root")) {
		return selection{}, badParameter.because("The format "+f.name+" is of the whole document and takes neither name nor root. These do.", rootedFormats()...)
	}
	if f.needsName() && !query.Has("name") {
		return selection{}, badParameter.because("The format " + f.name + " is of one root: say which with name.")
	}
	kinds, err := kindsOf(query)
	return selection{format: f, name: query.Get("name"), named: query.Has("name"), kinds: kinds}, err
}

// kindsOf returns the kinds of roots in a query.
func kindsOf(query url.Values) (map[string]yjs.Kind, error) {
	kinds := map[string]yjs.Kind{}
	for _, root := range query["root"] {
		at := max(strings.LastIndex(root, "="), 0) // a name may contain "=", but a kind can't
		kind, err := yjs.ParseKind(strings.TrimPrefix(root[at:], "="))
		if err != nil || !slices.Contains(kindNames(), kind.String()) {
			return nil, badParameter.because(fmt.Sprintf("root=%s: want NAME=KIND.", root), kindNames()...)
		}
		kinds[root[:at]] = kind
	}
	return kinds, nil
}

func rootedFormats() (names []string) {
	for _, f := range formats {
		if f.rooted {
			names = append(names, f.name)
		}
	}
	return names
}

// formatOf returns the format that r requests.
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
		return format{}, unknownFormat.because(fmt.Sprintf("%q is not a format.", query.Get("format")), names...)
	}
	i := choose(accepted(r.Header), mediaTypes)
	if i < 0 {
		return format{}, notAcceptable.because("These media types are available; ?format= chooses as well.", mediaTypes...)
	}
	return formats[i], nil
}

// kindNames returns the names of the kinds that a root can have.
func kindNames() (names []string) {
	for _, k := range []yjs.Kind{yjs.KindArray, yjs.KindMap, yjs.KindText, yjs.KindXMLElement, yjs.KindXMLFragment, yjs.KindXMLText} {
		names = append(names, k.String())
	}
	return names
}

// integrated returns the document that a query returned, for the formats that show
// its content.
func integrated(i document.Info) (*yjs.Doc, error) {
	doc, err := i.Doc()
	return doc, exportError(err)
}

// writeJSON writes all roots as one object, or one of them.
func writeJSON(i document.Info, s selection) ([]byte, error) {
	doc, err := integrated(i)
	if err != nil {
		return nil, err
	}
	if !s.named {
		all, err := doc.JSON(s.kinds)
		return all, exportError(err)
	}
	root, kind, err := s.root(doc)
	if err != nil {
		return nil, err
	}
	return export(doc, root, kind, document.FormatJSON)
}

// writeRoot writes a root in a format for single roots.
func writeRoot(i document.Info, s selection) ([]byte, error) {
	doc, root, kind, err := rootOf(i, s)
	if err != nil {
		return nil, err
	}
	return export(doc, root, kind, document.Format(s.format.name))
}

// rootOf returns a document and the selected root, with its kind, which is one that the
// format can write.
func rootOf(i document.Info, s selection) (*yjs.Doc, yjs.Root, yjs.Kind, error) {
	doc, err := integrated(i)
	if err != nil {
		return nil, yjs.Root{}, 0, err
	}
	root, kind, err := s.root(doc)
	if err != nil {
		return nil, root, kind, err
	}
	if kind == yjs.KindUnknown {
		kind = root.Kind
		if !slices.Contains(s.format.kinds, kind) && doc.Holds(s.name, s.format.kinds[0]) {
			kind = s.format.kinds[0] // the root has content of several kinds, or none
		}
	}
	if !slices.Contains(s.format.kinds, kind) {
		return nil, root, kind, wrongKindOf(root, s.kinds[s.name])
	}
	return doc, root, kind, nil
}

// root returns the selected root, and the kind that the client has sent for it or
// KindUnknown. A root that doesn't exist is empty if the client has sent its kind.
func (s selection) root(doc *yjs.Doc) (yjs.Root, yjs.Kind, error) {
	kind := s.kinds[s.name]
	root, ok := doc.Root(s.name)
	if !ok && kind == yjs.KindUnknown {
		return root, kind, noSuchRootIn(doc, s.name)
	}
	return yjs.Root{Name: s.name, Kind: root.Kind}, kind, nil
}

// export writes a root as one of the given kind.
func export(doc *yjs.Doc, root yjs.Root, kind yjs.Kind, f document.Format) ([]byte, error) {
	body, err := document.Export(doc, root.Name, kind, f)
	if errors.Is(err, yjs.ErrType) && f == document.FormatProseMirror {
		return nil, noProseMirror(root.Name)
	}
	if errors.Is(err, yjs.ErrType) {
		return nil, wrongKindOf(root, kind)
	}
	return body, exportError(err)
}

func noProseMirror(root string) error {
	return wrongKind.because(fmt.Sprintf("The root %q has content that no editor can show, because a ProseMirror document consists of XML elements and text. It is available as XML.", root))
}

// wrongKindOf returns the problem that a root, for which the client has sent a kind or
// KindUnknown, can't be read in a format.
func wrongKindOf(root yjs.Root, sent yjs.Kind) error {
	switch {
	case sent != yjs.KindUnknown:
		return wrongKind.because(fmt.Sprintf("The format is not for roots of the kind %s. The root %q is available as JSON.", sent, root.Name))
	case root.Kind == yjs.KindUnknown:
		return wrongKind.because(fmt.Sprintf("The root %q is empty, which doesn’t show its kind. Send the kind with root=NAME=KIND.", root.Name), kindNames()...)
	}
	return wrongKind.because(fmt.Sprintf("The root %q holds what a root of the kind %s holds. If it is of another kind, send that with root=NAME=KIND.", root.Name, root.Kind))
}

// exportError returns the problem for a document that can't be written.
func exportError(err error) error {
	switch {
	case errors.Is(err, yjs.ErrSize):
		return notAcceptable.because("The document has so many formats that it can’t be written with them. It is available as an update, and as text.")
	case errors.Is(err, prosemirror.ErrSize):
		return notAcceptable.because(fmt.Sprintf("The text would take more than %d bytes. The document is available as an update.", prosemirror.MaxOutput))
	case errors.Is(err, yjs.ErrWork):
		return notAcceptable.because("So many items of the document were inserted at the same position that it takes too long to order them. It is available as an update.")
	}
	return err
}

const maxChoices = 100 // the maximum number of roots in choices

func noSuchRootIn(doc *yjs.Doc, name string) error {
	roots := doc.Roots()
	var names []string
	for _, root := range roots[:min(len(roots), maxChoices)] {
		names = append(names, root.Name)
	}
	return noSuchRoot.because(fmt.Sprintf("The document has no root %q. The names of its roots are case-sensitive.", name), names...)
}

package api

import (
	"encoding/json"
	"errors"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/prosemirror"
	"github.com/yroom/yroom/yjs"
)

// schemaFormat returns a format that is written by the schema of the room.
func schemaFormat(name, mediaType, parameters string, write func(document.Info, selection) ([]byte, error)) format {
	return format{name: name, mediaType: mediaType, parameters: parameters, rooted: true, byBlock: true, kinds: []yjs.Kind{yjs.KindXMLFragment}, write: write}
}

func writeMarkdown(i document.Info, s selection) ([]byte, error) {
	return writeNode(i, s, s.schema.Markdown)
}

func writeHTML(i document.Info, s selection) ([]byte, error) {
	return writeNode(i, s, s.schema.HTML)
}

// writeNode writes a root as a ProseMirror document.
func writeNode(i document.Info, s selection, write func(*prosemirror.Node) ([]byte, error)) ([]byte, error) {
	return writeFragment(i, s, func(doc *yjs.Doc) ([]byte, error) {
		f, err := doc.XMLFragment(s.name)
		if err != nil {
			return nil, err
		}
		n, err := prosemirror.Read(f)
		if err != nil {
			return nil, err
		}
		return write(n)
	})
}

// Blocks is the list of the blocks of a document, as JSON.
type Blocks struct {
	Blocks []prosemirror.Block `json:"blocks"`
}

func writeBlocks(i document.Info, s selection) ([]byte, error) {
	return writeFragment(i, s, func(doc *yjs.Doc) ([]byte, error) {
		blocks, err := s.schema.Blocks(doc, s.name)
		if err != nil {
			return nil, err
		}
		all, err := blocks.List()
		if err != nil {
			return nil, err
		}
		return json.Marshal(Blocks{append([]prosemirror.Block{}, all...)})
	})
}

// writeFragment writes a root that is an XML fragment.
func writeFragment(i document.Info, s selection, write func(*yjs.Doc) ([]byte, error)) ([]byte, error) {
	doc, _, _, err := rootOf(i, s)
	if err != nil {
		return nil, err
	}
	body, err := write(doc)
	if errors.Is(err, yjs.ErrType) {
		return nil, noProseMirror(s.name)
	}
	return body, exportError(err)
}

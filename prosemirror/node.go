package prosemirror

import (
	"encoding/json"
	"fmt"

	"github.com/yroom/yroom/yjs"
)

// Node is a node of a ProseMirror document, as in its JSON.
type Node struct {
	Type    string         `json:"type"`
	Attrs   map[string]any `json:"attrs,omitempty"`
	Content []*Node        `json:"content,omitempty"`
	Marks   []Mark         `json:"marks,omitempty"`
	Text    string         `json:"text,omitempty"` // of a node of the type "text"
}

// Mark is a mark of a text.
type Mark struct {
	Type  string         `json:"type"`
	Attrs map[string]any `json:"attrs,omitempty"`
}

const typeText = "text"

// Read returns the document of an XML fragment. The error is that of
// yjs.XMLFragment.ProseMirror.
func Read(f *yjs.XMLFragment) (*Node, error) {
	data, err := f.ProseMirror()
	if err != nil {
		return nil, err
	}
	var doc struct {
		Content []json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("prosemirror: %w", err)
	}
	n := &Node{Type: nodeDoc}
	for _, part := range doc.Content {
		if part[0] == '[' { // a text that is a direct child of the fragment
			var texts []*jsonNode
			if err := json.Unmarshal(part, &texts); err != nil {
				return nil, fmt.Errorf("prosemirror: %w", err)
			}
			n.Content = append(n.Content, nodesOf(texts)...)
			continue
		}
		child, err := parseNode(part)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	return n, nil
}

// readElement returns the node of an XML element.
func readElement(e *yjs.XMLElement) (*Node, error) {
	data, err := e.ProseMirror()
	if err != nil {
		return nil, err
	}
	return parseNode(data)
}

func parseNode(data []byte) (*Node, error) {
	var n jsonNode
	if err := json.Unmarshal(data, &n); err != nil {
		return nil, fmt.Errorf("prosemirror: %w", err)
	}
	return n.node(), nil
}

// jsonNode is a Node in which attributes and texts can be any JSON, because clients may have
// written anything.
type jsonNode struct {
	Type    string      `json:"type"`
	Attrs   any         `json:"attrs"`
	Content []*jsonNode `json:"content"`
	Marks   []jsonMark  `json:"marks"`
	Text    any         `json:"text"`
}

type jsonMark struct {
	Type  string `json:"type"`
	Attrs any    `json:"attrs"`
}

func nodesOf(all []*jsonNode) (nodes []*Node) {
	for _, n := range all {
		nodes = append(nodes, n.node())
	}
	return nodes
}

func (n *jsonNode) node() *Node {
	made := &Node{Type: n.Type, Attrs: attrsOf(n.Attrs), Content: nodesOf(n.Content)}
	for _, m := range n.Marks {
		made.Marks = append(made.Marks, Mark{m.Type, attrsOf(m.Attrs)})
	}
	if n.Type == typeText {
		text, ok := n.Text.(string)
		if !ok { // an embed, which no ProseMirror binding writes
			return &Node{Type: "embed", Attrs: map[string]any{"value": n.Text}}
		}
		made.Text = text
	}
	return made
}

// attrsOf returns the members of an object without those that are null: null means that an
// attribute isn't set.
func attrsOf(value any) map[string]any {
	object, _ := value.(map[string]any)
	for key, v := range object {
		if v == nil {
			delete(object, key)
		}
	}
	if len(object) == 0 {
		return nil
	}
	return object
}

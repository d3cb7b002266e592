package prosemirror

import "slices"

// The common form of a document has the names of this package for the nodes, marks and
// attributes that Markdown can hold, and nodes and marks of the type unknown for everything
// else. It has only attributes that are set. The parser of Markdown makes it, and the
// printers read it.

const (
	unknown     = "unknown"
	attrName    = "name"  // of an unknown node or mark: the editor's name
	attrMembers = "attrs" // of an unknown node or mark: the editor's attributes
)

// common returns the common form of blocks.
func (s *Schema) common(nodes []*Node) (blocks []*Node) {
	var line []*Node
	flush := func() {
		if len(line) > 0 {
			blocks, line = append(blocks, &Node{Type: nodeParagraph, Content: joinTexts(line)}), nil
		}
	}
	hasLine := slices.ContainsFunc(nodes, s.inline)
	for _, n := range nodes {
		if s.inline(n) || hasLine && s.read[n.Type] == "" && n.Type != nodeGroup {
			line = append(line, s.commonInline(n))
			continue
		}
		flush()
		if n.Type == nodeGroup {
			blocks = append(blocks, s.commonGroup(n.Content)...)
			continue
		}
		blocks = append(blocks, s.commonBlock(n))
	}
	flush()
	return blocks
}

// inline reports whether a node, which may have blocks as siblings, belongs to a line of
// text.
func (s *Schema) inline(n *Node) bool { return n.Type == typeText || s.read[n.Type] == nodeBreak }

// commonBlock returns the common form of a block.
func (s *Schema) commonBlock(n *Node) *Node {
	switch role := s.read[n.Type]; role {
	case nodeParagraph:
		return &Node{Type: role, Content: s.commonLine(n.Content)}
	case nodeHeading:
		level, ok := s.value(n.Attrs, attrLevel).(float64)
		if !ok {
			level = 1
		}
		return &Node{Type: role, Attrs: map[string]any{attrLevel: min(max(level, 1), 6)}, Content: s.commonLine(n.Content)}
	case nodeCode:
		if text, ok := s.code(n.Content); ok {
			return codeBlock(text, s.text(n.Attrs, attrLanguage))
		}
	case nodeQuote:
		return &Node{Type: role, Content: s.common(n.Content)}
	case nodeBullets, nodeNumbers, nodeTasks:
		return s.commonList(role, n)
	case nodeRule:
		return &Node{Type: role}
	case nodeImage, nodeImageBlock:
		return s.image(nodeImageBlock, n)
	case nodeTable:
		if t := s.commonTable(n); t != nil {
			return t
		}
	}
	return s.unknown(n, s.common)
}

// unknown returns the common form of a node that Markdown can't hold.
func (s *Schema) unknown(n *Node, common func([]*Node) []*Node) *Node {
	made := &Node{Type: unknown, Attrs: unknownMembers(n.Type, n.Attrs)}
	if slices.ContainsFunc(n.Content, s.inline) {
		common = s.commonLine
	}
	made.Content = common(n.Content)
	return made
}

// unknownMembers returns the attributes of an unknown node or mark.
func unknownMembers(name string, attrs map[string]any) map[string]any {
	if len(attrs) == 0 {
		attrs = nil // so that nodes can be compared
	}
	return map[string]any{attrName: name, attrMembers: attrs}
}

func codeBlock(text, language string) *Node {
	n := &Node{Type: nodeCode}
	if text != "" {
		n.Content = []*Node{{Type: typeText, Text: text}}
	}
	if language != "" {
		n.Attrs = map[string]any{attrLanguage: language}
	}
	return n
}

// code returns the text of a code block. ok is false if it has other nodes than text.
func (s *Schema) code(nodes []*Node) (text string, ok bool) {
	var all []byte
	for _, n := range nodes {
		switch {
		case n.Type == typeText:
			all = append(all, n.Text...)
		case s.read[n.Type] == nodeBreak:
			all = append(all, '\n')
		default:
			return "", false
		}
	}
	return string(all), true
}

func (s *Schema) commonList(kind string, n *Node) *Node {
	list := &Node{Type: kind}
	if start, ok := s.value(n.Attrs, attrStart).(float64); ok && kind == nodeNumbers && start != 1 {
		list.Attrs = map[string]any{attrStart: start}
	}
	for _, c := range n.Content {
		item := &Node{Type: nodeItem}
		switch s.read[c.Type] {
		case nodeItem, nodeTask:
			item.Content = s.common(c.Content)
			if checked, ok := s.value(c.Attrs, attrChecked).(bool); kind == nodeTasks {
				item.Type, item.Attrs = nodeTask, map[string]any{attrChecked: ok && checked}
			}
		default:
			item.Content = s.common([]*Node{c})
			if kind == nodeTasks {
				item.Type, item.Attrs = nodeTask, map[string]any{attrChecked: false}
			}
		}
		list.Content = append(list.Content, item)
	}
	return list
}

func (s *Schema) image(role string, n *Node) *Node {
	attrs := map[string]any{}
	for _, name := range []string{attrSrc, attrAlt, attrTitle} {
		if text := s.text(n.Attrs, name); text != "" {
			attrs[name] = text
		}
	}
	return &Node{Type: role, Attrs: attrs}
}

// commonTable returns the common form of a table, or nil if Markdown can't hold it: each
// row has the same number of cells, and each cell one paragraph at most.
func (s *Schema) commonTable(n *Node) *Node {
	table := &Node{Type: nodeTable}
	for _, r := range n.Content {
		if s.read[r.Type] != nodeRow {
			return nil
		}
		row := &Node{Type: nodeRow}
		for _, c := range r.Content {
			cell := &Node{Type: s.read[c.Type]}
			if cell.Type != nodeHeader && cell.Type != nodeCell || spans(c.Attrs, "colspan") || spans(c.Attrs, "rowspan") {
				return nil
			}
			content := s.common(c.Content)
			if len(content) > 1 || len(content) == 1 && content[0].Type != nodeParagraph {
				return nil
			}
			if len(content) == 1 {
				cell.Content = content[0].Content
			}
			row.Content = append(row.Content, cell)
		}
		table.Content = append(table.Content, row)
	}
	return table.rectangular()
}

func spans(attrs map[string]any, name string) bool {
	n, ok := attrs[name].(float64)
	return ok && n != 1
}

// rectangular returns the table if its rows are of the same length, all cells of the first
// row are headers or none is, and no other cell is one. Otherwise it returns nil.
func (n *Node) rectangular() *Node {
	for i, r := range n.Content {
		if len(r.Content) == 0 || len(r.Content) != len(n.Content[0].Content) {
			return nil
		}
		for _, c := range r.Content {
			if c.Type != r.Content[0].Type || i > 0 && c.Type == nodeHeader {
				return nil
			}
		}
	}
	if len(n.Content) == 0 {
		return nil
	}
	return n
}

// commonLine returns the common form of the nodes in a line of text.
func (s *Schema) commonLine(nodes []*Node) (line []*Node) {
	for _, n := range nodes {
		line = append(line, s.commonInline(n))
	}
	return joinTexts(line)
}

func (s *Schema) commonInline(n *Node) *Node {
	if n.Type == typeText {
		text := &Node{Type: typeText, Text: n.Text}
		for _, m := range n.Marks {
			text.Marks = append(text.Marks, s.commonMark(m))
		}
		return text
	}
	switch s.read[n.Type] {
	case nodeBreak:
		return &Node{Type: nodeBreak}
	case nodeImage, nodeImageBlock:
		return s.image(nodeImage, n)
	}
	return s.unknown(n, s.commonLine)
}

func (s *Schema) commonMark(m Mark) Mark {
	switch role := s.read[m.Type]; role {
	case markStrong, markEm, markCode, markStrike, markUnderline:
		return Mark{Type: role}
	case markLink:
		attrs := map[string]any{attrHref: s.text(m.Attrs, attrHref)}
		if title := s.text(m.Attrs, attrLinkText); title != "" {
			attrs[attrLinkText] = title
		}
		return Mark{role, attrs}
	}
	return Mark{unknown, unknownMembers(m.Type, m.Attrs)}
}

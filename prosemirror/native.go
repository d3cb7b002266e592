package prosemirror

import "slices"

// nativeDoc returns the editor's document for blocks in the common form.
func (s *Schema) nativeDoc(blocks []*Node) *Node {
	return &Node{Type: nodeDoc, Content: s.nativeBlocks(blocks)}
}

// nativeBlocks returns the blocks of a document.
func (s *Schema) nativeBlocks(blocks []*Node) []*Node {
	if s.base().grouped {
		return []*Node{s.group(blocks)}
	}
	return s.filled(blocks)
}

// filled returns the blocks of a node that must have at least one.
func (s *Schema) filled(blocks []*Node) []*Node {
	if len(blocks) == 0 {
		return []*Node{{Type: s.write[nodeParagraph]}}
	}
	return s.natives(blocks)
}

func (s *Schema) natives(blocks []*Node) (nodes []*Node) {
	for _, b := range blocks {
		nodes = append(nodes, s.native(b))
	}
	return nodes
}

// native returns the editor's node for a node in the common form.
func (s *Schema) native(n *Node) *Node {
	made := &Node{Type: s.write[n.Type], Attrs: map[string]any{}}
	for name, value := range n.Attrs {
		if isAttribute(name) {
			s.set(made.Attrs, name, value)
		}
	}
	switch n.Type {
	case typeText:
		return s.nativeText(n)
	case nodeParagraph, nodeHeading:
		made.Content = s.nativeLine(n.Content)
	case nodeCode:
		made.Content = n.Content
	case nodeImage, nodeImageBlock:
		if n.Attrs[attrSrc] == nil {
			s.set(made.Attrs, attrSrc, "")
		}
	case nodeQuote:
		made.Content = s.filled(n.Content)
	case nodeBullets, nodeTasks:
		made.Content = s.natives(n.Content)
	case nodeNumbers:
		if n.Attrs[attrStart] == nil {
			s.set(made.Attrs, attrStart, 1.0)
		}
		made.Content = s.natives(n.Content)
	case nodeItem, nodeTask:
		content := n.Content
		if len(content) == 0 || content[0].Type != nodeParagraph { // the schemas demand one
			content = slices.Insert(slices.Clone(content), 0, &Node{Type: nodeParagraph})
		}
		made.Content = s.natives(content)
	case nodeTable, nodeRow:
		made.Content = s.natives(n.Content)
	case nodeHeader, nodeCell:
		name := s.write[nodeCellText]
		if name == "" {
			name = s.write[nodeParagraph]
		}
		made.Content = []*Node{{Type: name, Content: s.nativeLine(n.Content)}}
	case unknown:
		made.Type, _ = n.Attrs[attrName].(string)
		made.Attrs, _ = n.Attrs[attrMembers].(map[string]any)
		made.Content = s.nativeContent(made.Type, n.Content)
	}
	return made
}

// nativeContent returns the content of an unknown node.
func (s *Schema) nativeContent(name string, content []*Node) []*Node {
	switch {
	case len(content) == 0:
		return nil
	case !s.base().grouped || isInline(content):
		return joinTexts(s.natives(content))
	case name == nodeGroup:
		return s.group(content).Content
	case name == nodeContainer && len(content) == 2 && content[1].Attrs[attrName] == nodeGroup && !isList(content[0]) && content[0].Type != nodeQuote:
		return s.natives(content)
	case name == nodeContainer:
		return []*Node{{Type: s.write[nodeParagraph]}, s.group(content)}
	}
	return []*Node{s.group(content)}
}

func (s *Schema) nativeLine(line []*Node) []*Node {
	var nodes []*Node
	for _, n := range line {
		nodes = append(nodes, s.native(n))
	}
	return joinTexts(nodes)
}

func (s *Schema) nativeText(n *Node) *Node {
	made := &Node{Type: typeText, Text: n.Text}
	for _, m := range s.together(n.Marks) {
		if m.Type == unknown {
			name, _ := m.Attrs[attrName].(string)
			attrs, _ := m.Attrs[attrMembers].(map[string]any)
			made.Marks = append(made.Marks, Mark{name, attrs})
			continue
		}
		mark := Mark{Type: s.write[m.Type]}
		if len(m.Attrs) > 0 {
			mark.Attrs = map[string]any{}
			for name, value := range m.Attrs {
				s.set(mark.Attrs, name, value)
			}
		}
		made.Marks = append(made.Marks, mark)
	}
	return made
}

// together returns the marks that a text can have together. If the mark code excludes all
// others, a link remains without it, and anything else is dropped beside it: an editor
// deletes what has marks that exclude each other.
func (s *Schema) together(marks []Mark) []Mark {
	isCode := func(m Mark) bool { return m.Type == markCode }
	if !s.base().codeAlone || len(marks) < 2 || !slices.ContainsFunc(marks, isCode) {
		return marks
	}
	if slices.ContainsFunc(marks, func(m Mark) bool { return m.Type == markLink }) {
		return slices.DeleteFunc(slices.Clone(marks), isCode)
	}
	return []Mark{{Type: markCode}}
}

package prosemirror

import "github.com/google/uuid"

// The nodes into which BlockNote puts its blocks: a document is one group, a group is a
// list of containers, and a container has a block and maybe a group of nested blocks. A list
// is several blocks of the same kind that follow each other.
const (
	nodeGroup     = "blockGroup"
	nodeContainer = "blockContainer"

	idOfContainer = "id" // its attribute
)

// commonGroup returns the common form of the containers in a group.
func (s *Schema) commonGroup(containers []*Node) (blocks []*Node) {
	var list *Node // to which the next item belongs
	for _, c := range containers {
		block, group := contained(c)
		if block == nil {
			blocks, list = append(blocks, s.common([]*Node{c})...), nil
			continue
		}
		var nested []*Node
		if group != nil {
			nested = s.commonGroup(group.Content)
		}
		kind, isItem := s.items[block.Type]
		switch {
		case isItem:
			if start := s.value(block.Attrs, attrStart); list == nil || list.Type != kind || start != nil {
				list = &Node{Type: kind}
				if start, ok := start.(float64); ok && kind == nodeNumbers && start != 1 {
					list.Attrs = map[string]any{attrStart: start}
				}
				blocks = append(blocks, list)
			}
			list.Content = append(list.Content, s.commonItem(kind, block, nested))
			continue
		case s.read[block.Type] == nodeQuote:
			blocks = append(blocks, &Node{Type: nodeQuote, Content: append(s.common(block.Content), nested...)})
		case group == nil:
			blocks = append(blocks, s.common([]*Node{block})...)
		default:
			blocks = append(blocks, &Node{Type: unknown, Attrs: unknownMembers(c.Type, nil), Content: append(
				s.common([]*Node{block}), &Node{Type: unknown, Attrs: unknownMembers(group.Type, nil), Content: nested},
			)})
		}
		list = nil
	}
	return blocks
}

// contained returns the block and the group in n, or nil if n isn't a container.
func contained(c *Node) (block, group *Node) {
	if c.Type != nodeContainer || len(c.Content) == 0 || len(c.Content) > 2 {
		return nil, nil
	}
	if len(c.Content) == 2 {
		if group = c.Content[1]; group.Type != nodeGroup {
			return nil, nil
		}
	}
	return c.Content[0], group
}

func (s *Schema) commonItem(kind string, block *Node, nested []*Node) *Node {
	item := &Node{Type: nodeItem, Content: append([]*Node{{Type: nodeParagraph, Content: s.commonLine(block.Content)}}, nested...)}
	if kind == nodeTasks {
		checked, _ := s.value(block.Attrs, attrChecked).(bool)
		item.Type, item.Attrs = nodeTask, map[string]any{attrChecked: checked}
	}
	return item
}

// group returns a group with containers of blocks, which are in the common form.
func (s *Schema) group(blocks []*Node) *Node {
	g := &Node{Type: nodeGroup}
	for _, b := range blocks {
		switch b.Type {
		case nodeBullets, nodeNumbers, nodeTasks:
			for i, item := range b.Content {
				attrs := map[string]any{}
				if i == 0 && b.Attrs[attrStart] != nil {
					s.set(attrs, attrStart, b.Attrs[attrStart])
				}
				if b.Type == nodeTasks {
					s.set(attrs, attrChecked, item.Attrs[attrChecked])
				}
				g.Content = append(g.Content, s.container(s.write[b.Type], attrs, item.Content))
			}
		case nodeQuote:
			g.Content = append(g.Content, s.container(s.write[b.Type], nil, b.Content))
		case unknown:
			n := s.native(b)
			if n.Type != nodeContainer {
				n = newContainer(n)
			}
			g.Content = append(g.Content, n)
		default:
			g.Content = append(g.Content, newContainer(s.native(b)))
		}
	}
	if len(g.Content) == 0 {
		g.Content = []*Node{newContainer(&Node{Type: s.write[nodeParagraph]})}
	}
	return g
}

// container returns the container of a block that has text. Its content is what an item or
// a quote has, in the common form.
func (s *Schema) container(name string, attrs map[string]any, content []*Node) *Node {
	block := &Node{Type: name, Attrs: attrs}
	if len(content) > 0 && content[0].Type == nodeParagraph {
		block.Content, content = s.nativeLine(content[0].Content), content[1:]
	}
	c := newContainer(block)
	if len(content) > 0 {
		c.Content = append(c.Content, s.group(content))
	}
	return c
}

func newContainer(block *Node) *Node {
	return &Node{Type: nodeContainer, Attrs: map[string]any{idOfContainer: uuid.NewString()}, Content: []*Node{block}}
}

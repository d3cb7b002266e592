package prosemirror

import (
	"reflect"
	"slices"
)

// joinTexts joins neighbours that have the same marks, and drops empty texts.
func joinTexts(nodes []*Node) (joined []*Node) {
	var text []byte // of the last node in joined, if that is a text
	end := func() {
		if len(text) > 0 {
			last := *joined[len(joined)-1]
			last.Text = string(text)
			joined[len(joined)-1], text = &last, nil
		}
	}
	for _, n := range nodes {
		switch {
		case n.Type != typeText:
			end()
			joined = append(joined, n)
		case n.Text == "":
		case len(text) > 0 && sameMarks(joined[len(joined)-1].Marks, n.Marks):
			text = append(text, n.Text...)
		default:
			end()
			joined, text = append(joined, n), append(text, n.Text...)
		}
	}
	end()
	return joined
}

// sameMarks reports whether two texts have the same marks, in any order.
func sameMarks(a, b []Mark) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(m Mark) bool { return !hasMark(b, m) })
}

func hasMark(marks []Mark, m Mark) bool {
	return slices.ContainsFunc(marks, func(other Mark) bool { return sameMark(m, other) })
}

func sameMark(a, b Mark) bool { return a.Type == b.Type && reflect.DeepEqual(a.Attrs, b.Attrs) }

package blocks

import "fmt"

// maxNesting bounds how deep an update may nest types. It also bounds the number of
// pending types, because integrating them can nest other types deeper by that number.
// yjs deletes a type and its content recursively: at about 1,700 levels that overflows
// the stack of a browser or of Node.js.
const maxNesting = 500

// checkNesting returns ErrLimit if an update that has types would nest them too deep.
// It measures the depth only if the number of types makes that possible.
func (s *Store) checkNesting(update []byte, types int) error {
	if s.nesting+types <= maxNesting {
		return nil
	}
	deep, waiting := s.measureNesting()
	if s.nesting = deep + waiting; s.nesting+types <= maxNesting {
		return nil
	}
	trial := New()
	for _, u := range [][]byte{s.encode(), update} {
		if err := trial.Load(u, V1); err != nil {
			return err
		}
	}
	// An update is not refused because of types that were nested too deep before.
	nowDeep, nowWaiting := trial.measureNesting()
	if nowDeep > max(deep, maxNesting) {
		return fmt.Errorf("%w: types would be nested %d levels deep, at most %d are allowed", ErrLimit, nowDeep, maxNesting)
	}
	if nowWaiting > max(waiting, maxNesting) {
		return fmt.Errorf("%w: %d types would be pending, at most %d are allowed", ErrLimit, nowWaiting, maxNesting)
	}
	return nil
}

// measureNesting returns how deep types are nested, and how many types are pending.
func (s *Store) measureNesting() (deep, waiting int) {
	n, _, nested := s.countBlocks()
	if nested {
		g := s.newGraph(n)
		g.inOrder(func(n *node) bool {
			for _, ref := range n.refs {
				if ref != none {
					n.depth = max(n.depth, g.nodes[ref].depth)
				}
			}
			if n.is(inBlock) {
				n.depth++
			}
			deep = max(deep, int(n.depth))
			return true
		})
	}
	for _, c := range s.inOrder() {
		src := iterRuns(c.id, c.pending, 0)
		for b := src.next(); b != nil; b = src.next() {
			if b.kind == kindType {
				waiting++
			}
		}
	}
	return deep, waiting
}

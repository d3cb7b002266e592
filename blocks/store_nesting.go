package blocks

import "fmt"

// maxNesting bounds how deep an update may nest types, and how many types may
// wait, which can nest them as much deeper. yjs deletes a type together with what
// is in it, recursively: at about 1,700 levels that overflows the stack of a
// browser or of node.
const maxNesting = 500

// checkNesting tells whether an update that brings types would nest them too
// deep. Most of the time it knows without looking: there are not enough of them.
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
	// Who adds a paragraph isn't to blame for what others have nested.
	nowDeep, nowWaiting := trial.measureNesting()
	if nowDeep > max(deep, maxNesting) {
		return fmt.Errorf("%w: types would be nested %d levels deep, at most %d are allowed", ErrLimit, nowDeep, maxNesting)
	}
	if nowWaiting > max(waiting, maxNesting) {
		return fmt.Errorf("%w: %d types would wait for missing blocks, at most %d are allowed", ErrLimit, nowWaiting, maxNesting)
	}
	return nil
}

// measure tells how deep types are nested in one another, and how many types
// wait.
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

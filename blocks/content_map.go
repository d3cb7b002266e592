package blocks

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/yroom/yroom/internal/lib0"
)

// ContentMap gives attributes to the elements that updates insert and delete, such as the
// users that did so. The ranges are in ascending order of clients and clocks, and don't
// overlap. A ContentMap is that of yjs 14, which shows the authors of content with it.
type ContentMap struct{ Inserts, Deletes []Attribution }

// Attribution is a range of elements and its attributes.
type Attribution struct {
	Range

	Attributes []Attribute
}

// Attribute is an attribute of content. The names that yjs 14 knows are "insert" and
// "delete", whose values are user ids, and "insertAt" and "deleteAt", whose values are times
// in milliseconds since 1970.
type Attribute struct {
	Name  string
	Value []byte // as an element of a block of KindAny
}

// StringAttribute returns an attribute whose value is a string.
func StringAttribute(name, value string) Attribute {
	return Attribute{name, lib0.AppendString([]byte{lib0.AnyString}, value)}
}

// Map returns a ContentMap in which each inserted element has the attributes inserts, and
// each deleted element has the attributes deletes.
func (ids ContentIDs) Map(inserts, deletes []Attribute) ContentMap {
	return ContentMap{attributed(ids.Inserts, inserts), attributed(ids.Deletes, deletes)}
}

func attributed(ranges []Range, attributes []Attribute) []Attribution {
	all := make([]Attribution, len(ranges))
	for i, x := range ranges {
		all[i] = Attribution{x, attributes}
	}
	slices.SortStableFunc(all, func(a, b Attribution) int { return cmp.Compare(a.Client, b.Client) })
	return all
}

// Encode encodes m as encodeContentMap of yjs 14 does. The caller owns the result.
func (m ContentMap) Encode() []byte { return appendIDMap(appendIDMap(nil, m.Inserts), m.Deletes) }

// appendIDMap appends attributions. Each attribute, and each name of one, is written where
// it occurs first, and referred to by its number where it occurs again.
func appendIDMap(dst []byte, all []Attribution) []byte {
	type key struct{ name, value string }
	attributes, names := map[key]uint64{}, map[string]uint64{}
	clients := slices.Collect(byClient(all, func(a Attribution) uint64 { return a.Client }))
	dst = lib0.AppendUint(dst, uint64(len(clients)))
	before := uint64(0)
	for _, own := range clients {
		dst = lib0.AppendUint(lib0.AppendUint(dst, own[0].Client-before), uint64(len(own)))
		before = own[0].Client
		at := uint64(0)
		for _, a := range own {
			dst = lib0.AppendUint(a.appendAfter(dst, at), uint64(len(a.Attributes)))
			at = a.To
			for _, x := range a.Attributes {
				k := key{x.Name, string(x.Value)}
				n, known := attributes[k]
				if !known {
					n = uint64(len(attributes))
					attributes[k] = n
				}
				if dst = lib0.AppendUint(dst, n); known {
					continue
				}
				n, known = names[x.Name]
				if !known {
					n = uint64(len(names))
					names[x.Name] = n
				}
				if dst = lib0.AppendUint(dst, n); !known {
					dst = lib0.AppendString(dst, x.Name)
				}
				dst = append(dst, x.Value...)
			}
		}
	}
	return dst
}

// DecodeContentMap decodes what Encode, or encodeContentMap of yjs 14, has encoded. The
// error is ErrMalformed. encoded is borrowed.
func DecodeContentMap(encoded []byte) (ContentMap, error) {
	r := lib0.NewReader(encoded)
	m := ContentMap{readIDMap(&r), readIDMap(&r)}
	return m, endOf(&r, "content map")
}

// readIDMap reads attributions.
func readIDMap(r *lib0.Reader) (all []Attribution) {
	var attributes []Attribute
	var names []string
	client := uint64(0)
	first := true
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		step := r.Uint()
		if client += step; client > lib0.MaxInt || step == 0 && !first {
			r.Fail(errOrder)
		}
		first = false
		at := uint64(0)
		for left := r.Uint(); left > 0 && r.Err() == nil; left-- {
			a := Attribution{Range: readAfter(r, client, at)}
			at = a.To
			for of := r.Uint(); of > 0 && r.Err() == nil; of-- {
				i := r.Uint()
				if i == uint64(len(attributes)) {
					attributes = append(attributes, readAttribute(r, &names))
				}
				if i >= uint64(len(attributes)) {
					r.Fail(errAttribute)
					return nil
				}
				a.Attributes = append(a.Attributes, attributes[i])
			}
			all = append(all, a)
		}
	}
	return all
}

// readAttribute reads an attribute. It adds its name to names if it is a new one.
func readAttribute(r *lib0.Reader, names *[]string) Attribute {
	i := r.Uint()
	if i == uint64(len(*names)) {
		*names = append(*names, string(r.Text()))
	}
	if i >= uint64(len(*names)) {
		r.Fail(errAttribute)
		return Attribute{}
	}
	return Attribute{(*names)[i], bytes.Clone(r.Any())}
}

var errAttribute = errors.New("an attribute that was not written before")

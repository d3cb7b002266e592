package blocks_test

import (
	"bytes"
	"fmt"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
)

// Updates can be merged, compared and converted without a document.
func Example() {
	ada := testkit.Typed(1, 0, "hello") // client 1 types into the root "text"
	bob := testkit.Typed(2, 0, "world")

	both, err := blocks.Merge(blocks.V1, ada, bob)
	check(err)
	vector, err := blocks.StateVectorOf(blocks.V1, both)
	check(err)
	fmt.Println("clocks:", blocks.ClockOf(vector, 1), blocks.ClockOf(vector, 2))

	of, err := blocks.StateVectorOf(blocks.V1, ada)
	check(err)
	missing, err := blocks.DiffUpdate(blocks.V1, both, of)
	check(err)
	fmt.Println("a client that has Ada's update lacks Bob's:", bytes.Equal(missing, bob))

	v2, err := blocks.Convert(blocks.V1, blocks.V2, both)
	check(err)
	back, err := blocks.Convert(blocks.V2, blocks.V1, v2)
	check(err)
	fmt.Println("converted and back:", bytes.Equal(back, both))
	// Output:
	// clocks: 5 5
	// a client that has Ada's update lacks Bob's: true
	// converted and back: true
}

// A Store takes updates in any order, and holds back what lacks its dependencies.
func ExampleStore_Apply() {
	first, second := testkit.Typed(1, 0, "hello"), testkit.Typed(1, 5, " world")

	doc := blocks.New()
	_, err := doc.Apply(second, blocks.V1)
	check(err)
	fmt.Println("elements of client 1:", blocks.ClockOf(doc.StateVector(), 1))
	_, err = doc.Apply(first, blocks.V1)
	check(err)
	fmt.Println("elements of client 1:", blocks.ClockOf(doc.StateVector(), 1))

	other := blocks.New()
	_, err = other.Apply(first, blocks.V1)
	check(err)
	missing, err := doc.Diff(other.StateVector(), blocks.V1)
	check(err)
	added, err := other.Apply(missing, blocks.V1)
	check(err)
	fmt.Println("something was added:", added != nil)
	fmt.Println("the documents are the same:", bytes.Equal(other.Encode(blocks.V1), doc.Encode(blocks.V1)))
	// Output:
	// elements of client 1: 0
	// elements of client 1: 11
	// something was added: true
	// the documents are the same: true
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
)

// A room with more entries than fit into the memory is named, and the others are examined.
func TestDoctorLeavesOutWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	eachPatient(t, func(t *testing.T, p *patient) {
		p.add(t, "large", testkit.Typed(1, 0, strings.Repeat("x", 100)), testkit.Typed(2, 0, "y"))
		p.add(t, "left open", testkit.Typed(1, 1, "a")) // it waits for element 0
		out := new(bytes.Buffer)
		d := &doctor{store: p.inspect(t), report: newDoctorReport(environment{stdout: out, stderr: io.Discard}, p.url, "", false), most: 100}
		if err := d.run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"large\n  large: its 2 entries have ", "left open\n  pending: "} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("there is no %q in:\n%s", want, out)
			}
		}
		if d.report.Rooms != 2 || d.report.Findings != 2 {
			t.Errorf("%d findings in %d rooms, want 2 in 2", d.report.Findings, d.report.Rooms)
		}
	})
}

// A copy of a document that isn't the same is found. Since that is a fault of yroom, no store
// has one: the copy is replaced.
func TestDoctorFindsDifferences(t *testing.T) {
	first, second := typedTwice(1)
	deletion := []byte("\x00\x01\x01\x01\x00\x02")
	for name, test := range map[string]struct {
		entries, copied [][]byte
		want            []string
	}{
		"nothing":             {[][]byte{first, second}, [][]byte{first, second}, nil},
		"an edit is gone":     {[][]byte{first, second}, [][]byte{first}, []string{kindDiffers}},
		"an edit is added":    {[][]byte{first}, [][]byte{first, second}, []string{kindDiffers}},
		"a letter differs":    {[][]byte{testkit.Typed(1, 0, "hello")}, [][]byte{testkit.Typed(1, 0, "hallo")}, []string{kindDiffers}},
		"a deletion is gone":  {[][]byte{first, deletion}, [][]byte{first}, []string{kindDiffers}},
		"a deletion is added": {[][]byte{first}, [][]byte{first, deletion}, []string{kindDiffers}},
	} {
		t.Run(name, func(t *testing.T) {
			x := &examination{room: store.Inspected{Room: "room"}, doc: blocks.New()}
			for _, u := range test.entries {
				x.updates = append(x.updates, encoded{u, blocks.V1})
			}
			for _, u := range test.copied {
				if err := x.doc.Load(u, blocks.V1); err != nil {
					t.Fatal(err)
				}
			}
			x.v1 = x.doc.Encode(blocks.V1)
			x.whole()
			var kinds []string
			for _, f := range x.findings {
				kinds = append(kinds, f.Kind)
			}
			if diff := cmp.Diff(test.want, kinds); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, x.findings)
			}
			if (len(test.want) > 0) != x.unsafe() {
				t.Errorf("the room may be compacted: %v", !x.unsafe())
			}
		})
	}
}

// A copy that can't be read is a finding, too.
func TestDoctorFindsUnreadableCopy(t *testing.T) {
	x := &examination{room: store.Inspected{Room: "room"}, doc: blocks.New(), v1: []byte("no update")}
	x.whole()
	if len(x.findings) == 0 || x.findings[0].Kind != kindDiffers || !strings.Contains(x.findings[0].Detail, "can't be read again") {
		t.Errorf("findings %v", x.findings)
	}
}

package load

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

func TestReadTrace(t *testing.T) {
	sequential := `{"startContent":"","endContent":"hé!","txns":[{"patches":[[0,0,"hallo"]]},{"patches":[[1,4,"é"],[2,0,"!"]]}]}`
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write([]byte(sequential)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"plain":      sequential,
		"compressed": zipped.String(),
		"concurrent": `{"endContent":"another order","txns":[
			{"parents":[],"agent":0,"patches":[[0,0,"h!"]]}, {"parents":[0],"agent":0,"patches":[[1,0,"x"]]},
			{"parents":[0],"agent":1,"patches":[[1,0,"é"]]}, {"parents":[1,2],"agent":1,"patches":[]}, {"parents":[3],"agent":0,"patches":[[1,1,""]]}]}`,
	} {
		trace, err := ReadTrace(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := "hé!"; trace.text != want {
			t.Errorf("%s: the text is %q, want %q", name, trace.text, want)
		}
	}
	for name, c := range map[string]struct{ text, says string }{
		"no JSON":        {"{", "not JSON"},
		"another format": {`{"edits":[]}`, "not in the format"},
		"a text before":  {`{"startContent":"a","txns":[{"patches":[]}]}`, "begins with a text"},
		"another result": {`{"endContent":"b","txns":[{"patches":[[0,0,"a"]]}]}`, "doesn't lead to its endContent"},
		"no such place":  {`{"endContent":"b","txns":[{"patches":[[9,0,"a"]]}]}`, "transaction 0"},
		"a later parent": {`{"endContent":"b","txns":[{"parents":[7],"patches":[[0,0,"a"]]}]}`, "depends on the later one 7"},
	} {
		if _, err := ReadTrace(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: the error is %v, want one with %q", name, err, c.says)
		}
	}
}

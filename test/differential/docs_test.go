package differential

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/yjs"
)

// reading is the content of a root: JSON, or text and its delta, or XML.
type reading struct {
	JSON  string  `json:"json,omitempty"`
	Text  *string `json:"text,omitempty"`
	Delta string  `json:"delta,omitempty"`
}

// readings returns the contents of the roots that all histories and scripts use.
func readings(doc *yjs.Doc) (map[string]reading, error) {
	all := map[string]reading{}
	for _, name := range []string{"text", "rich"} {
		text, err := doc.Text(name)
		if err != nil {
			return nil, err
		}
		delta, err := text.Delta().MarshalJSON()
		if err != nil {
			return nil, err
		}
		s := text.String()
		all[name] = reading{Text: &s, Delta: loneSurrogate.ReplaceAllString(string(delta), "\ufffd")}
	}
	for _, name := range []string{"map", ""} {
		m, err := doc.Map(name)
		if err != nil {
			return nil, err
		}
		if err := readJSON(all, name, m); err != nil {
			return nil, err
		}
	}
	array, err := doc.Array("array")
	if err != nil {
		return nil, err
	}
	if err := readJSON(all, "array", array); err != nil {
		return nil, err
	}
	xml, err := doc.XMLFragment("xml")
	if err != nil {
		return nil, err
	}
	s := xml.String()
	all["xml"] = reading{Text: &s}
	return all, nil
}

// readJSON adds the JSON of a root. It calls MarshalJSON, because json.Marshal would
// reformat the result.
func readJSON(all map[string]reading, name string, m json.Marshaler) error {
	printed, err := m.MarshalJSON()
	all[name] = reading{JSON: loneSurrogate.ReplaceAllString(string(printed), "\ufffd")}
	return err
}

// loneSurrogate matches an unpaired surrogate in JSON, which UTF-8 can't represent.
var loneSurrogate = regexp.MustCompile(`\\ud[89a-f][0-9a-f]{2}`)

// document is the state of a Doc after a delivery.
type document struct {
	Readings    map[string]reading `json:"readings"`
	Whole       map[string]reading `json:"whole"`   // of a Doc that applied delivery.Whole
	Encoded     []byte             `json:"encoded"` // V1
	StateVector []byte             `json:"stateVector"`
}

// TestReading checks that a Doc has the same content as the yjs document that applied
// the same updates in the same order.
func TestReading(t *testing.T) {
	eachSeed(t, 0.15, func(t *testing.T, yjs *oracle, seed int, profile string) report {
		var history struct {
			Deliveries []delivery `json:"deliveries"`
		}
		yjs.ask(t, map[string]any{"op": "generate", "seed": seed, "profile": profile}, &history)
		documents := []document{}
		for _, d := range history.Deliveries {
			got, err := integrate(d)
			if err != nil {
				return report{Failures: []string{fmt.Sprintf("%s: %v", d.Name, err)}}
			}
			documents = append(documents, got)
		}
		var got report
		yjs.ask(t, map[string]any{"op": "read", "documents": documents}, &got)
		return got
	})
}

// integrate applies a delivery to new Docs.
func integrate(d delivery) (got document, err error) {
	doc, err := applied(d.Version, d.Updates...)
	if err != nil {
		return got, err
	}
	got.Encoded, got.StateVector = doc.Encode(blocks.V1), doc.StateVector()
	if got.Readings, err = readings(doc); err != nil {
		return got, err
	}
	if doc, err = applied(blocks.V1, d.Whole); err != nil {
		return got, err
	}
	got.Whole, err = readings(doc)
	return got, err
}

// applied returns a new Doc with updates applied one by one.
func applied(enc blocks.Encoding, updates ...[]byte) (*yjs.Doc, error) {
	doc := yjs.New()
	for i, update := range updates {
		if err := doc.Apply(update, enc); err != nil {
			return nil, fmt.Errorf("Apply of update %d (%x): %w", i, update, err)
		}
	}
	return doc, nil
}

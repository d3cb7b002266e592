package load

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/yjs"
)

// Trace is the recorded writing of a text, as updates.
type Trace struct {
	updates [][]byte
	ends    []int64 // by update: how many elements it and those before insert and delete
	text    string  // the result
}

// recording is the format of https://github.com/josephg/editing-traces. The edits of several
// agents are in the order of their dependencies.
type recording struct {
	StartContent string `json:"startContent"`
	EndContent   string `json:"endContent"`
	Txns         []struct {
		Parents []int   `json:"parents"`
		Agent   int     `json:"agent"`
		Patches []patch `json:"patches"`
	} `json:"txns"`
}

// patch replaces characters of a text.
type patch struct {
	position, deleted int
	inserted          string
}

// UnmarshalJSON reads [position, deleted, inserted].
func (p *patch) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&p.position, &p.deleted, &p.inserted})
}

// ReadTrace reads a trace, which may be compressed by gzip.
func ReadTrace(from io.Reader) (*Trace, error) {
	buffered := bufio.NewReader(from)
	from = buffered
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, err
		}
		from = unzipped
	}
	var in recording
	if err := json.NewDecoder(from).Decode(&in); err != nil {
		return nil, fmt.Errorf("the trace is not JSON as in editing-traces: %w", err)
	}
	if len(in.Txns) == 0 {
		return nil, errors.New("the trace has no txns: it is not in the format of editing-traces")
	}
	return in.replay()
}

// replay makes the updates that the agents would have sent.
func (in *recording) replay() (*Trace, error) {
	t := &Trace{}
	agents := map[int]*agent{}
	concurrent := false
	var made [][]byte // by transaction; nil for one that changes nothing
	if in.StartContent != "" {
		return nil, errors.New("the trace begins with a text: only traces of a whole text can be replayed")
	}
	for i, txn := range in.Txns {
		a := agents[txn.Agent]
		if a == nil {
			a = newAgent(txn.Agent)
			agents[txn.Agent] = a
		}
		if txn.Parents == nil && i > 0 {
			txn.Parents = []int{i - 1}
		}
		concurrent = concurrent || len(txn.Parents) > 1 || i > 0 && len(txn.Parents) == 1 && txn.Parents[0] != i-1
		if err := a.take(txn.Parents, in, made); err != nil {
			return nil, err
		}
		update, err := a.edit(txn.Patches)
		if err != nil {
			return nil, fmt.Errorf("transaction %d of the trace: %w", i, err)
		}
		a.has[i] = true
		made = append(made, update)
		if update != nil {
			if err := t.append(update); err != nil {
				return nil, err
			}
		}
	}
	var err error
	if t.text, err = textOf(t.updates...); err != nil {
		return nil, err
	}
	if !concurrent && t.text != in.EndContent {
		return nil, errors.New("the trace doesn't lead to its endContent")
	}
	return t, nil
}

// agent is the document of one of the authors of a recording.
type agent struct {
	doc *yjs.Doc
	has map[int]bool // the transactions that are in it
}

func newAgent(number int) *agent {
	a := &agent{yjs.New(), map[int]bool{}}
	a.doc.SetClientID(uint64(number) + 1)
	return a
}

// take applies transactions, and those that they depend on.
func (a *agent) take(parents []int, in *recording, made [][]byte) error {
	for _, parent := range parents {
		if a.has[parent] {
			continue
		}
		if parent < 0 || parent >= len(made) {
			return fmt.Errorf("the trace has a transaction that depends on the later one %d", parent)
		}
		before := in.Txns[parent].Parents
		if before == nil && parent > 0 {
			before = []int{parent - 1}
		}
		if err := a.take(before, in, made); err != nil {
			return err
		}
		a.has[parent] = true
		if made[parent] != nil {
			if err := a.doc.Apply(made[parent], yjs.V1); err != nil {
				return err
			}
		}
	}
	return nil
}

// edit makes an update, or nil if it changes nothing.
func (a *agent) edit(patches []patch) ([]byte, error) {
	text, err := a.doc.Text(root)
	if err != nil {
		return nil, err
	}
	return a.doc.Transact(func() error {
		for _, p := range patches {
			if p.deleted > 0 {
				if err := text.Delete(p.position, p.deleted); err != nil {
					return err
				}
			}
			if p.inserted != "" {
				if err := text.Insert(p.position, p.inserted, yjs.Object{}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// append appends an update.
func (t *Trace) append(update []byte) error {
	elements, err := elementsOf(update)
	if err != nil {
		return err
	}
	if n := len(t.ends); n > 0 {
		elements += t.ends[n-1]
	}
	t.updates, t.ends = append(t.updates, update), append(t.ends, elements)
	return nil
}

// elementsOf returns how many elements an update inserts and deletes.
func elementsOf(update []byte) (n int64, err error) {
	ids, err := blocks.ContentIDsOf(blocks.V1, update)
	for _, ranges := range [][]blocks.Range{ids.Inserts, ids.Deletes} {
		for _, r := range ranges {
			n += int64(r.To - r.From)
		}
	}
	return n, err
}

// textOf returns the text of a document that consists of updates.
func textOf(updates ...[]byte) (string, error) {
	store := blocks.New()
	for _, u := range updates {
		if _, err := store.Apply(u, blocks.V1); err != nil {
			return "", err
		}
	}
	doc := yjs.New()
	if err := doc.Apply(store.Encode(blocks.V1), yjs.V1); err != nil {
		return "", err
	}
	text, err := doc.Text(root)
	if err != nil {
		return "", err
	}
	return text.String(), nil
}

package djangolayer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/yjs"
)

const (
	callsAtOnce  = 4
	callsWaiting = 1000
	callTime     = 10 * time.Second
	callsDrain   = 3 * time.Second // how long calls may go on when the worker ends
)

var errCalls = fmt.Errorf("%d calls of YroomDocument wait already, which is the most: this one raises DataUnavailable in Django; call less often, or again later", callsWaiting)

// exports are the methods of YroomDocument, which read a root. Content of another kind is
// skipped.
var exports = map[string]func(doc *yjs.Doc, root string) (string, error){
	"export_text":  func(d *yjs.Doc, root string) (string, error) { return read(d.Text, root, (*yjs.Text).String) },
	"export_array": func(d *yjs.Doc, root string) (string, error) { return readJSON(d.Array, root) },
	"export_map":   func(d *yjs.Doc, root string) (string, error) { return readJSON(d.Map, root) },
	"export_xml_fragment": func(d *yjs.Doc, root string) (string, error) {
		return read(d.XMLFragment, root, (*yjs.XMLFragment).XML)
	},
	"export_xml_element": func(d *yjs.Doc, root string) (string, error) { return read(d.XMLElement, root, (*yjs.XMLElement).XML) },
	"export_xml_text":    func(d *yjs.Doc, root string) (string, error) { return read(d.XMLText, root, (*yjs.XMLText).String) },
}

func read[T any](get func(root string) (T, error), root string, text func(T) string) (string, error) {
	t, err := get(root)
	if err != nil {
		return "", err
	}
	return text(t), nil
}

func readJSON[T json.Marshaler](get func(root string) (T, error), root string) (string, error) {
	t, err := get(root)
	if err != nil {
		return "", err
	}
	text, err := t.MarshalJSON() // json.Marshal would escape < and >
	return string(text), err
}

// call answers a call of YroomDocument. The answer None means there that there is no such
// room. It is also the answer to a call that fails, which would wait for ever without one.
func (p *proxy) call(m message) error {
	if exports[m.method] == nil {
		p.respond(m, nil)
		return fmt.Errorf("YroomDocument has no method %.100q: the call raises DataUnavailable in Django; call one of %s", m.method, strings.Join(slices.Sorted(maps.Keys(exports)), ", "))
	}
	if p.draining {
		p.respond(m, nil)
		return nil
	}
	select {
	case p.waiting <- struct{}{}:
	default:
		p.respond(m, nil)
		return errCalls
	}
	p.calls.Go(func() {
		defer func() { <-p.waiting }()
		select {
		case p.slots <- struct{}{}:
			defer func() { <-p.slots }()
		case <-p.calling.Done():
		}
		text, err := p.export(m)
		if err != nil && !errors.Is(err, document.ErrNotFound) {
			p.log.Warn("an export for a Django process failed: it raises DataUnavailable there", "room", m.room, "method", m.method, "root", fmt.Sprintf("%.100s", m.param), "error", err)
		}
		p.respond(m, text)
	})
	return nil
}

// export reads a root of the document of a room.
func (p *proxy) export(m message) (*string, error) {
	ctx, cancel := context.WithTimeout(p.calling, callTime)
	defer cancel()
	doc, err := p.documents.Document(m.room).Read(ctx)
	if err == nil {
		err = doc.Printable()
	}
	if err != nil {
		return nil, err
	}
	text, err := exports[m.method](doc, m.param)
	if err != nil {
		return nil, err
	}
	return &text, nil
}

// respond sends the result of a call, nil for None. If a result can't be sent, None is sent,
// because the caller waits until something arrives.
func (p *proxy) respond(m message, text *string) {
	failed := func(err error) {
		p.log.Warn("the result of an export can't be sent to a Django process: it raises DataUnavailable there, or waits if that can't be sent either", "room", m.room, "method", m.method, "error", err)
		if text != nil {
			p.respond(m, nil)
		}
	}
	sent := p.bus.post(post{
		destination: p.bus.destinationOfOne(m.channel), keep: true,
		entry: p.bus.encode(answer{typ: typeResponse, result: text}, []string{m.channel}),
		done: func(r result) {
			if !r.sent {
				failed(r.err)
			}
		},
	})
	if !sent {
		failed(errQueue)
	}
}

var errQueue = errors.New("too much waits for the Django process or its host of Redis, or Redis refuses what is sent there: find out why the process takes nothing")

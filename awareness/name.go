package awareness

import (
	"bytes"
	"encoding/json"
)

// Named returns an update whose states name the user: the field "name" of the object in
// the field "user" of each state is name, and everything else is as in update. A state
// that is no object stays as it is. The error is ErrMalformed, or that of a state that
// isn't JSON. The caller owns the result.
//
// Editors for Yjs show the others by that field.
func Named(update []byte, name string) ([]byte, error) {
	quoted, err := json.Marshal(name)
	if err != nil {
		return nil, err
	}
	var entries []entry
	err = each(update, func(e entry) (err error) {
		if e.state != nil {
			e.state, err = named(e.state, quoted)
		}
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	return encode(entries), nil
}

// named returns a state with the name, which is JSON.
func named(state []byte, name json.RawMessage) ([]byte, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(state, " \t\r\n"), []byte("{")) {
		return state, nil
	}
	var fields, user map[string]json.RawMessage
	if err := json.Unmarshal(state, &fields); err != nil {
		return nil, err
	}
	if json.Unmarshal(fields["user"], &user) != nil || user == nil {
		user = make(map[string]json.RawMessage)
	}
	user["name"] = name
	var err error
	if fields["user"], err = json.Marshal(user); err != nil {
		return nil, err
	}
	return json.Marshal(fields) // writes the last of equal keys, as JavaScript reads it
}

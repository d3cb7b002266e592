package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/yroom/yroom/event"
)

const wordRead = "read" // the access if a token names none

// CheckAccess returns an error unless word stands for an access, as event.ParseAccess reads
// it.
func CheckAccess(word string) error {
	if _, ok := event.ParseAccess(word); !ok {
		return fmt.Errorf("%.40q is not an access: write, read, hidden or hidden-write", word)
	}
	return nil
}

// roomClaim is the claim "rooms" of a token: for each room, or each beginning of names
// with "*" after it, the word for the access. In a token it is an object, a list or one
// string. The rooms of a list have the access of the claim "access".
type roomClaim map[string]string

var (
	errRooms    = errors.New(`the claim "rooms" is not an object, a list of strings or a string`)
	errNoAccess = errors.New(`a room in the claim "rooms" has no access`)
)

// UnmarshalJSON implements json.Unmarshaler.
func (c *roomClaim) UnmarshalJSON(data []byte) error {
	var list []string
	switch data = bytes.TrimSpace(data); {
	case bytes.HasPrefix(data, []byte(`{`)):
		if err := json.Unmarshal(data, (*map[string]string)(c)); err != nil {
			return err
		}
		for _, word := range *c {
			if word == "" { // as is null: the claim "access" must not stand for it
				return errNoAccess
			}
		}
		return nil
	case bytes.HasPrefix(data, []byte(`[`)):
		if json.Unmarshal(data, &list) != nil {
			return errRooms
		}
	case bytes.HasPrefix(data, []byte(`"`)):
		list = make([]string, 1)
		if json.Unmarshal(data, &list[0]) != nil {
			return errRooms
		}
	default:
		return errRooms
	}
	*c = make(roomClaim, len(list))
	for _, room := range list {
		(*c)[room] = ""
	}
	return nil
}

// access returns the word for the access to a room. The name itself counts before the
// beginnings of names, and of these the longest counts. fallback is the claim "access".
func (c roomClaim) access(room, fallback string) (word string, ok bool) {
	if word, ok = c[room]; !ok {
		longest := -1
		for pattern, w := range c {
			begin, isPattern := strings.CutSuffix(pattern, "*")
			if isPattern && len(begin) > longest && strings.HasPrefix(room, begin) {
				longest, word, ok = len(begin), w, true
			}
		}
	}
	if ok && word == "" {
		word = fallback
	}
	return word, ok
}

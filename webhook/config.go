package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yroom/yroom/store"
)

// Event is the type of an event.
type Event string

// The events.
const (
	Created      Event = "room.created"
	Changed      Event = "room.changed"
	Deleted      Event = "room.deleted"
	Connected    Event = "connected"
	Disconnected Event = "disconnected"
)

// Events are all events.
var Events = append(slices.Clone(defaultEvents), Connected, Disconnected)

var defaultEvents = []Event{Created, Changed, Deleted}

// Content says which content of the document a request for Changed has.
type Content string

// The contents.
const (
	ContentNone Content = "none"
	ContentText Content = "text" // the texts of the document, without formatting
	ContentJSON Content = "json" // the roots of the document, as yjs prints them
)

// Hook configures a webhook. A zero field stands for its default.
type Hook struct {
	// Name is 1 to 64 letters, digits, hyphens, underscores and dots. The store has the notices
	// under this name.
	Name string
	// URL is the address that requests are sent to, with http or https.
	URL string
	// Secret signs the requests.
	Secret Secret
	// Events are those for which requests are sent. Default: Created, Changed and Deleted.
	Events []Event
	// Content is what a request for Changed has of the document. Default: ContentNone.
	Content Content
	// ContentLimit bounds the size of a document whose content is sent, as the store has it.
	// Default: 4 MiB.
	ContentLimit int
	// Delay is how long a room must not have changed before Changed is sent. If people go on
	// typing, it is sent at the latest after ten times this delay, counted from the first change.
	// Default: 2 s.
	Delay time.Duration
	// Timeout bounds a request. Default: 10 s.
	Timeout time.Duration
	// GiveUpAfter is how long a failing request is repeated, counted from the last change that the
	// event stands for, or from its replay. Default: 72 h.
	GiveUpAfter time.Duration
	// Allow lists networks to which requests may be sent although they are not on the public
	// internet. Default: none.
	Allow []netip.Prefix
}

// The defaults of a Hook.
const (
	DefaultContentLimit = 4 << 20
	DefaultDelay        = 2 * time.Second
	DefaultTimeout      = 10 * time.Second
	DefaultGiveUpAfter  = 72 * time.Hour
)

// Store is a store that has notices.
type Store interface {
	store.Store
	store.Notices
}

// Config configures a Deliverer.
type Config struct {
	// Hooks are the webhooks.
	Hooks []Hook
	// Stores are those whose notices are delivered. They are used until Run returns.
	Stores []Store
	// Webhooks returns the names of the webhooks of a room that want an event, and StoreOf returns
	// the one of Stores that a room has, or nil. They are for Connected and Disconnected, which
	// need Deliverer.Joined and Deliverer.Left. Nil: there are no such events.
	Webhooks store.Webhooks
	StoreOf  func(room string) Store
	// Logger logs what fails. Nil: slog.Default().
	Logger *slog.Logger
}

var names = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// Check returns an error that says what is wrong with a Hook.
func (h Hook) Check() error {
	if !names.MatchString(h.Name) {
		return fmt.Errorf("webhook: the name %q: want 1 to 64 letters, digits, hyphens, underscores and dots", h.Name)
	}
	address, err := url.Parse(h.URL)
	switch {
	case err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Hostname() == "":
		err = errors.New("its address must begin with http:// or https:// and name a host")
	case len(h.Secret) == 0:
		err = errors.New("it has no secret: its receiver could not check where requests come from")
	case !slices.Contains([]Content{"", ContentNone, ContentText, ContentJSON}, h.Content):
		err = fmt.Errorf("content %q: want none, text or json", h.Content)
	case h.Delay < 0 || h.Timeout < 0 || h.GiveUpAfter < 0 || h.ContentLimit < 0:
		err = errors.New("delay, timeout, give_up_after and content_limit can't be less than zero")
	}
	for _, e := range h.Events {
		if !slices.Contains(Events, e) {
			err = errors.Join(err, fmt.Errorf("there is no event %q: want %s", e, list(Events)))
		}
	}
	if err != nil {
		return fmt.Errorf("webhook %s: %w", h.Name, err)
	}
	return nil
}

// Wants reports whether requests are sent for notices of a kind.
func (h Hook) Wants(kind store.NoticeKind) bool {
	wanted := h.Events
	if len(wanted) == 0 {
		wanted = defaultEvents
	}
	return slices.Contains(wanted, EventOf(kind))
}

// list joins words for a sentence.
func list[T ~string](words []T) string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

// withDefaults returns h with its defaults.
func (h Hook) withDefaults() Hook {
	if len(h.Events) == 0 {
		h.Events = defaultEvents
	}
	h.Content = cmp.Or(h.Content, ContentNone)
	h.ContentLimit = cmp.Or(h.ContentLimit, DefaultContentLimit)
	h.Delay = cmp.Or(h.Delay, DefaultDelay)
	h.Timeout = cmp.Or(h.Timeout, DefaultTimeout)
	h.GiveUpAfter = cmp.Or(h.GiveUpAfter, DefaultGiveUpAfter)
	return h
}

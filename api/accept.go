package api

import (
	"cmp"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// mediaRange is an element of an Accept header.
type mediaRange struct {
	kind, subtype string // "*" for any
	quality       float64
}

// accepted parses the Accept header. Without one, everything is accepted. An
// element that can't be parsed is skipped.
func accepted(h http.Header) (ranges []mediaRange) {
	lines := h.Values("Accept")
	if len(lines) == 0 {
		lines = []string{"*/*"}
	}
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			name, parameters, err := mime.ParseMediaType(element)
			kind, subtype, found := strings.Cut(name, "/")
			if err != nil || !found {
				continue
			}
			quality, err := strconv.ParseFloat(cmp.Or(parameters["q"], "1"), 64)
			if err != nil || !(0 <= quality && quality <= 1) {
				continue
			}
			ranges = append(ranges, mediaRange{kind, subtype, quality})
		}
	}
	return ranges
}

// precision returns how closely m names the media type: 0 means not at all.
func (m mediaRange) precision(mediaType string) int {
	kind, subtype, _ := strings.Cut(mediaType, "/")
	switch {
	case m.kind == kind && m.subtype == subtype:
		return 3
	case m.kind == kind && m.subtype == "*":
		return 2
	case m.kind == "*" && m.subtype == "*":
		return 1
	}
	return 0
}

// choose returns the index in offers of the media type with the highest quality in
// ranges, or -1 if they accept none. Among equal qualities, it is the media type that
// ranges name most precisely, then the one that they name first, then the first in
// offers.
func choose(ranges []mediaRange, offers []string) int {
	type candidate struct {
		offer, precision, named int
		quality                 float64
	}
	var all []candidate
	for i, offer := range offers {
		best := candidate{offer: i}
		for named, m := range ranges {
			if p := m.precision(offer); p > best.precision {
				best = candidate{i, p, named, m.quality}
			}
		}
		if best.quality > 0 {
			all = append(all, best)
		}
	}
	if len(all) == 0 {
		return -1
	}
	return slices.MinFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.quality, a.quality), cmp.Compare(b.precision, a.precision), cmp.Compare(a.named, b.named))
	}).offer
}

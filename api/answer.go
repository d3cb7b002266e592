package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// answer sends body, or status 304 if the request is conditional and the client has the
// body already.
func answer(w http.ResponseWriter, r *http.Request, mediaType, tag string, body []byte) error {
	if match(r, tag, "*") {
		return notModified(w, tag)
	}
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = newTimedWriter(w).Write(body) // the client may have closed the connection
	}
	return nil
}

// notModified sends 304.
func notModified(w http.ResponseWriter, tag string) error {
	w.Header().Set("ETag", tag)
	w.WriteHeader(http.StatusNotModified)
	return nil
}

// hashTag returns the entity tag of a body.
func hashTag(body []byte) string { return `"` + hash(body) + `"` }

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// tags returns the entity tags in If-None-Match.
func tags(r *http.Request) (all []string) {
	for _, line := range r.Header.Values("If-None-Match") {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimSpace(tag)
			if weak, ok := strings.CutPrefix(tag, "W/"); ok && strings.HasPrefix(weak, `"`) {
				tag = weak
			}
			all = append(all, tag)
		}
	}
	return all
}

// match reports whether If-None-Match holds one of these tags.
func match(r *http.Request, these ...string) bool {
	return slices.ContainsFunc(tags(r), func(tag string) bool { return slices.Contains(these, tag) })
}

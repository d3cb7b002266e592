package yroom

import (
	"errors"
	"fmt"
	"time"
)

var errMark = errors.New("yroom: no mark")

// FormatMark writes a Mark for a URL or a file.
func FormatMark(m Mark) string {
	return fmt.Sprintf("%d.%d", m.Opened.UnixNano(), m.Seq)
}

// ParseMark reads what FormatMark wrote.
func ParseMark(s string) (Mark, error) {
	var opened int64
	var seq uint64
	if _, err := fmt.Sscanf(s, "%d.%d", &opened, &seq); err != nil {
		return Mark{}, errMark
	}
	return Mark{Opened: time.Unix(0, opened), Seq: seq}, nil
}

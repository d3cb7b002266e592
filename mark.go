package yroom

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var errMark = errors.New("yroom: no mark")

// FormatMark writes a Mark for an address, or for a file.
func FormatMark(m Mark) string {
	var opened int64
	if !m.Opened.IsZero() {
		opened = m.Opened.UnixNano()
	}
	return fmt.Sprintf("%d.%d", opened, m.Seq)
}

// ParseMark reads what FormatMark wrote.
func ParseMark(s string) (Mark, error) {
	before, after, _ := strings.Cut(s, ".")
	opened, err := strconv.ParseInt(before, 10, 64)
	if err != nil {
		return Mark{}, fmt.Errorf("%w: %q", errMark, s)
	}
	seq, err := strconv.ParseUint(after, 10, 64)
	if err != nil {
		return Mark{}, fmt.Errorf("%w: %q", errMark, s)
	}
	m := Mark{Seq: seq}
	if opened != 0 {
		m.Opened = time.Unix(0, opened)
	}
	return m, nil
}

package sqlitestore_test

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// A syscall is a system call: one line of strace -y -xx, or two with lines of other
// threads between.
type syscall struct {
	name   string
	path   string // of its file
	data   []byte // written
	number int64  // offset of a write, or size of a truncation
	create bool
	result int64
}

// A moment is the beginning or the end of a system call.
type moment struct {
	*syscall

	ended bool
}

const straced = "trace=?open,openat,write,pwrite64,fsync,fdatasync,ftruncate,fallocate,?unlink,unlinkat,?rename,?renameat"

// moments parses the output of strace.
func moments(trace string) (all []moment, err error) {
	open := map[string]*syscall{} // by thread
	for line := range strings.Lines(trace) {
		thread, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, "+++") {
			continue
		}
		call := open[thread]
		if strings.HasPrefix(rest, "<... ") {
			delete(open, thread)
		} else {
			if call, err = parse(rest); err != nil {
				return nil, err
			}
			all = append(all, moment{syscall: call})
		}
		if strings.HasSuffix(rest, "<unfinished ...>") {
			open[thread] = call
			continue
		}
		result := rest[strings.LastIndex(rest, " = ")+3:]
		if result, _, _ = strings.Cut(result, " "); strings.HasPrefix(result, "?") { // the process ended before the call did
			continue
		}
		result, _, _ = strings.Cut(result, "<")
		if call == nil {
			return nil, fmt.Errorf("the end of a call that has no beginning: %.200s", line)
		}
		if call.result, err = strconv.ParseInt(result, 10, 64); err != nil {
			return nil, fmt.Errorf("%w in %.200s", err, line)
		}
		all = append(all, moment{call, true})
	}
	return all, nil
}

// parse parses a system call up to the end of its arguments.
func parse(line string) (c *syscall, err error) {
	c = &syscall{}
	var arguments string
	c.name, arguments, _ = strings.Cut(line, "(")
	if text, _, of := strings.Cut(arguments, ">"); of && strings.Contains(text, "<") {
		_, text, _ = strings.Cut(text, "<")
		if path, err := unescape(text); err == nil { // otherwise it is not a file
			c.path = string(path)
		}
	}
	rest := arguments
	if _, quoted, has := strings.Cut(arguments, `"`); has {
		quoted, rest, _ = strings.Cut(quoted, `"`)
		if c.data, err = unescape(quoted); err != nil {
			return nil, err
		}
	}
	rest = strings.TrimSuffix(rest, " <unfinished ...>")
	if end := strings.LastIndex(rest, ")"); end >= 0 {
		rest = rest[:end]
	}
	switch c.name {
	default: // the data is a path
		if c.data != nil {
			c.path, c.create, c.data = string(c.data), strings.Contains(rest, "O_CREAT"), nil
		}
	case "pwrite64", "ftruncate":
		c.number, err = strconv.ParseInt(rest[strings.LastIndex(rest, " ")+1:], 10, 64)
	case "write":
		if strings.HasPrefix(arguments, "1<") {
			c.path = "stdout"
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w in %.200s", err, line)
	}
	return c, nil
}

func unescape(text string) ([]byte, error) {
	return hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
}

package lib0

import (
	"bytes"
	"testing"
	"unicode/utf16"
)

func TestSplitUTF16(t *testing.T) {
	for _, text := range []string{"abcdefghijkl", "äöüß", "aä€😀", "😀😀😀", "eight ASCII bytes, then 😀, then more of them", "ж, then ASCII, then жжжжжжжжжжж€€€€€€€€😀😀😀😀😀😀😀ж"} {
		units := utf16.Encode([]rune(text))
		for n := range len(units) + 1 {
			wantLeft, wantRight := string(utf16.Decode(units[:n])), string(utf16.Decode(units[n:]))
			wantInPair := n < len(units) && units[n]&0xfc00 == 0xdc00
			if got := UTF16Len([]byte(text)); got != uint64(len(units)) {
				t.Errorf("%q has %d units, want %d", text, got, len(units))
			}
			off, inPair := UTF16Offset([]byte(text), uint64(n), uint64(len(units)))
			if inPair != wantInPair || !inPair && text[:off] != wantLeft {
				t.Errorf("unit %d of %q begins at %d, in a pair: %v", n, text, off, inPair)
			}
			for _, owned := range []bool{false, true} {
				in := []byte(text)
				left, right, rightOwned := SplitUTF16(in, uint64(n), uint64(len(units)), owned)
				if string(left) != wantLeft || string(right) != wantRight || rightOwned != (owned || inPair) {
					t.Errorf("%q before unit %d: %q and %q, owned: %v", text, n, left, right, rightOwned)
				}
				if !owned && string(in) != text {
					t.Errorf("splitting %q before unit %d changed it", text, n)
				}
			}
		}
	}
}

func TestAppendUnescaped(t *testing.T) {
	for raw, want := range map[string][2]string{
		`plain`:               {"plain", "plain"},
		`\"\\\/\b\f\n\r\t.`:   {"\"\\/\b\f\n\r\t.", "\"\\/\b\f\n\r\t."},
		`\u00e4\u20AC`:        {"ä€", "ä€"},
		`a\ud83d\uDE00b`:      {"a😀b", "a😀b"},
		`\ud83d`:              {"\ufffd", "\xed\xa0\xbd"},
		`\ude00\ud83d`:        {"\ufffd\ufffd", "\xed\xb8\x80\xed\xa0\xbd"},
		`\ud83dx\ud83d\ud83d`: {"\ufffdx\ufffd\ufffd", "\xed\xa0\xbdx\xed\xa0\xbd\xed\xa0\xbd"},
		`\ud83d\u0041`:        {"\ufffdA", "\xed\xa0\xbdA"},
		`\ud83d\n`:            {"\ufffd\n", "\xed\xa0\xbd\n"},
	} {
		s := ScanJSON([]byte(` "` + raw + `" `))
		s.Next()
		got, escaped := s.String()
		if string(got) != raw || escaped != bytes.ContainsRune(got, '\\') {
			t.Errorf("%s is scanned as %s, escaped: %v", raw, got, escaped)
		}
		for i, halves := range []bool{false, true} {
			if out := AppendUnescaped([]byte("<"), got, halves); string(out) != "<"+want[i] {
				t.Errorf("%s stands for %q, want %q", raw, out[1:], want[i])
			}
		}
	}
}

package link

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/yroom/yroom/layer"
)

// TestCode checks that every field of an input and an output crosses the bus. It fills
// the fields by reflection, so that it fails if a field isn't encoded.
func TestCode(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var in layer.Input
		fill(rnd, reflect.ValueOf(&in).Elem())
		in.From = ""
		m := encodeInput(7, &in)
		front, got, ok := decodeInput(m.copyTo(nil, 0, m.size()), false)
		if !ok || front != 7 || !reflect.DeepEqual(got, in) {
			t.Fatalf("decoded: %+v %+v\nwant: %+v %+v", got, got.Request, in, in.Request)
		}
		var out layer.Output
		fill(rnd, reflect.ValueOf(&out).Elem())
		out.To = ""
		m = encodeOutput(3, 7, &out)
		birth, front, gotOut, ok := decodeOutput(m.copyTo(nil, 0, m.size()), false)
		if !ok || birth != 3 || front != 7 || !reflect.DeepEqual(gotOut, out) {
			t.Fatalf("decoded: %+v %+v\nwant: %+v %+v", gotOut, gotOut.Response, out, out.Response)
		}
	}
}

// fill sets a value at random. It leaves some fields of a structure zero, and gives data
// either to the message or to the request or response.
func fill(rnd *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rnd.IntN(2) == 0)
	case reflect.Int:
		v.SetInt(rnd.Int64() >> rnd.IntN(63))
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		v.SetUint(rnd.Uint64() >> (64 - v.Type().Bits()) >> rnd.IntN(v.Type().Bits()))
	case reflect.String:
		v.SetString(string(text(rnd)))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(text(rnd))
			return
		}
		for range rnd.IntN(3) {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(rnd, e)
			v.Set(reflect.Append(v, e))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(rnd, v.Index(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(rnd, v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(rnd.Int64N(1<<33), rnd.Int64N(1e9)).UTC()))
			return
		}
		for _, f := range v.Fields() {
			if rnd.IntN(3) > 0 {
				fill(rnd, f)
			}
		}
		if request := v.FieldByName("Request"); request.IsValid() && !request.IsNil() {
			v.FieldByName("Message").FieldByName("Data").SetZero()
		}
		if response := v.FieldByName("Response"); response.IsValid() && !response.IsNil() {
			v.FieldByName("Message").FieldByName("Data").SetZero()
		}
	default:
		panic("a kind of field that the test doesn't know: " + v.Kind().String())
	}
}

func text(rnd *rand.Rand) []byte {
	b := make([]byte, rnd.IntN(40))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func FuzzPacket(f *testing.F) {
	n := New(Config{ID: ID{1}}, time.Unix(0, 0))
	p, _ := n.Next(time.Unix(0, 0))
	f.Add(p.Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		n := New(Config{ID: ID{2}}, time.Unix(0, 0))
		n.Attach(time.Unix(0, 0))
		if err := n.Serve(time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		n.Receive(time.Unix(1, 0), data)
		n.Tick(time.Unix(2, 0))
		for range 10 {
			n.Next(time.Unix(2, 0))
		}
		decodeInput(data, false)
		decodeOutput(data, true)
	})
}

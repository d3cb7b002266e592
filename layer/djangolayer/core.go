package djangolayer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// The core layer keeps the messages of a channel in a sorted set, by the time at which they
// were sent. Of the channels of connections, specific.‹process›!‹connection›, all those
// of a process share a set, and each message says for which of them it is.

// recoverScript puts the messages that were being handled when a worker ended back into the
// channel.
var recoverScript = rueidis.NewLuaScript(`
local back = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
for i = 1, #back, 2 do
	redis.call('ZADD', KEYS[1], back[i + 1], back[i])
end
redis.call('DEL', KEYS[2])
return #back / 2
`)

// popScript drops the messages that were handled, and returns the next ones, which are being
// handled from now on. The first element says whether the marker was there. If not, Redis was
// emptied.
const popScript = `
redis.call('DEL', KEYS[2])
local known = redis.call('EXPIRE', KEYS[3], 3600)
if known == 0 then
	redis.call('SET', KEYS[3], '1', 'EX', 3600)
end
local popped, bytes = {known}, 0
while #popped <= tonumber(ARGV[1]) and bytes < tonumber(ARGV[2]) do
	local next = redis.call('ZPOPMIN', KEYS[1])
	if #next == 0 then break end
	redis.call('ZADD', KEYS[2], next[2], next[1])
	popped[#popped + 1] = next[1]
	bytes = bytes + #next[1]
end
return popped
`

// pushScript adds messages to the sets of processes. If a process has no capacity for a message,
// or Redis refuses it, those that follow for the process aren't added either. For each message
// it returns how old the oldest message of its set was before, in milliseconds, or -1 without
// capacity, or the error of Redis.
var pushScript = rueidis.NewLuaScript(`
local capacity, expiry, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local ended = {}
local function push(key, score, member)
	redis.call('ZREMRANGEBYSCORE', key, 0, now - expiry)
	local count = redis.call('ZCARD', key)
	if count >= capacity then return -1 end
	local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
	redis.call('ZADD', key, score, member)
	redis.call('EXPIRE', key, expiry)
	return oldest[2] and math.max(math.floor((now - tonumber(oldest[2])) * 1000), 0) or 0
end
local results = {}
for i = 1, #KEYS do
	local key = KEYS[i]
	local result = ended[key]
	if not result then
		local ok, r = pcall(push, key, ARGV[2 + 2 * i], ARGV[3 + 2 * i])
		if not ok then r = type(r) == 'table' and r.err or tostring(r) end
		if r == -1 or not ok then ended[key] = r end
		result = r
	end
	results[i] = result
end
return results
`)

var errAnswer = errors.New("the answer to a command has not the form that Redis documents: check which program answers at the address, and use Redis or Valkey")

const (
	popMost   = 256
	fewPopped = 4
	popBytes  = 8 << 20
	popWait   = time.Second
)

// pop takes the messages of a channel, until ctx ends or Redis fails.
func (h *host) pop(ctx context.Context, c rueidis.Client, channel string, p *proxy, seen *recent, begun func(emptied bool)) error {
	key := h.bus.prefix + channel
	keys := []string{key, key + "$inflight", key + "$yroom"}
	if err := h.recover(ctx, c, keys[:2]); err != nil {
		return fmt.Errorf("recover the messages of %s: %w", channel, err)
	}
	var g gather
	handle := func(entry []byte) { //nolint:contextcheck // an export that was begun is finished
		if seen.add(string(entry[:min(len(entry), randomPrefix)])) {
			g.note(p.take(h.bus, entry))
		} else {
			h.bus.repeated.Add(1)
		}
	}
	most, wait := popMost, false
	for begins := true; ; begins = false {
		first, popped, err := h.next(ctx, c, keys, most, wait)
		if first != nil {
			handle(first) // also after an error, since Redis doesn't have it any more
		}
		if err != nil {
			return fmt.Errorf("take the messages of %s: %w", channel, err)
		}
		marked, err := popped[0].AsInt64()
		switch emptied := err == nil && marked == 0; {
		case begins:
			begun(emptied)
		case emptied:
			p.emptied() //nolint:contextcheck // it is done even if the worker ends
		}
		for _, entry := range popped[1:] {
			if b, err := entry.AsBytes(); err == nil {
				handle(b)
			}
		}
		if most == 0 { // what was handled has been dropped
			return nil
		}
		wait = len(popped)-1 <= fewPopped  // otherwise, there may be more
		if wait && len(h.bus.hosts) == 1 { // with several, messages that wait would be overtaken by those of another host
			sleep(ctx, g.wait(h.bus.now()))
		}
		if ctx.Err() != nil {
			most, wait = 0, false
		}
	}
}

func (h *host) recover(ctx context.Context, c rueidis.Client, keys []string) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*answerTime)
	defer cancel()
	return recoverScript.Exec(limited, c, keys, nil).Error()
}

// next runs popScript. With wait, it first waits for a message for a second, and takes it out of the
// channel. That message is first, or nil. Redis runs the script as soon as there is a message, so
// both are one write and mostly one read. next is not ended by ctx, so that a message isn't taken
// and then lost.
func (h *host) next(ctx context.Context, c rueidis.Client, keys []string, most int, wait bool) (first []byte, popped []rueidis.RedisMessage, err error) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), popWait+2*answerTime)
	defer cancel()
	pop := c.B().Eval().Script(popScript).Numkeys(int64(len(keys))).Key(keys...).Arg(strconv.Itoa(most), strconv.Itoa(popBytes)).Build()
	if !wait {
		popped, err = c.Do(limited, pop).ToArray()
		return nil, popped, err
	}
	results := c.DoMulti(limited, c.B().Bzpopmin().Key(keys[0]).Timeout(popWait.Seconds()).Build(), pop)
	switch waited, err := results[0].ToArray(); {
	case rueidis.IsRedisNil(err):
	case err != nil:
		return nil, nil, err
	case len(waited) != 3:
		return nil, nil, errAnswer
	default:
		if first, err = waited[1].AsBytes(); err != nil {
			return nil, nil, err
		}
	}
	popped, err = results[1].ToArray()
	return first, popped, err
}

// push sends a batch over the core layer.
func (h *host) push(ctx context.Context, c rueidis.Client, batch []post) ([]result, error) {
	now := float64(h.bus.now().UnixMicro()) / 1e6
	keys := make([]string, len(batch))
	args := make([]string, 3, 3+2*len(batch))
	args[0], args[1], args[2] = strconv.Itoa(h.bus.capacity), strconv.Itoa(int(h.bus.expiry/time.Second)), score(now)
	for i, p := range batch {
		keys[i] = h.bus.prefix + p.destination
		h.last = max(now, h.last+1e-6) // equal scores would let Redis choose the order
		args = append(args, score(h.last), rueidis.BinaryString(p.entry))
	}
	replies, err := pushScript.Exec(ctx, c, keys, args).ToArray()
	if err != nil {
		return nil, fmt.Errorf("send to Django processes: %w", err)
	}
	if len(replies) != len(batch) {
		return nil, errAnswer
	}
	results := make([]result, len(batch))
	for i, reply := range replies {
		age, err := reply.AsInt64()
		if err != nil {
			text, _ := reply.ToString()
			results[i].err = fmt.Errorf("send a message to the key %s: Redis refused it: %s", keys[i], text)
			continue
		}
		results[i].sent = age >= 0
		if age >= 0 && age < min(takenWithin, h.bus.expiry/4).Milliseconds() {
			results[i].processes = 1
		}
	}
	return results, nil
}

func score(seconds float64) string { return strconv.FormatFloat(seconds, 'f', 6, 64) }

// recent remembers the last entries that were added to it.
type recent struct {
	has  map[string]bool
	ring []string
	next int
}

func newRecent(n int) *recent {
	return &recent{has: make(map[string]bool, n), ring: make([]string, n)}
}

// add reports whether s was not added lately.
func (r *recent) add(s string) bool {
	if r.has[s] {
		return false
	}
	delete(r.has, r.ring[r.next])
	r.ring[r.next] = s
	r.has[s] = true
	r.next = (r.next + 1) % len(r.ring)
	return true
}

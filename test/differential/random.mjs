// Deterministic random numbers.

export class Random {
  constructor (seed) {
    this.state = seed >>> 0
  }

  // Returns a number in [0, 1), by the generator mulberry32.
  next () {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  // Returns an integer in [0, n).
  below (n) { return Math.floor(this.next() * n) }

  // Returns an integer in [low, high].
  between (low, high) { return low + this.below(high - low + 1) }

  chance (p) { return this.next() < p }

  pick (list) { return list[this.below(list.length)] }

  shuffle (list) {
    const out = list.slice()
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const held = out[i]
      out[i] = out[j]
      out[j] = held
    }
    return out
  }
}

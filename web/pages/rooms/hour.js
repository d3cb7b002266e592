// The samples of the last hour, of all processes, as the server has sent them so far.
// Any process of a cluster may answer, and all take their samples at the same moments.

const length = 3600 // seconds
const spans = [600, 1200, 1800, length] // what graphs may show

// The values of a sample, after its time.
export const columns = { connections: 1, rooms: 2, edits: 3, cpu: 4, memory: 5, problems: 6 }

export function newHour () {
  const processes = new Map() // by name: a Map of samples by their time
  let newest = 0
  let step = 5

  return {
    get step () { return step },
    get newest () { return newest },
    names: () => [...processes.keys()],

    // span returns how many seconds graphs show: an hour, or less if nothing is known of the
    // time before.
    span () {
      let first = newest
      for (const samples of processes.values()) for (const at of samples.keys()) first = Math.min(first, at)
      return spans.find(span => newest - first < span) ?? length
    },

    // add adds what the server has sent.
    add (answer) {
      step = answer.step
      for (const { name, samples } of answer.processes) {
        if (!processes.has(name)) processes.set(name, new Map())
        for (const sample of samples) {
          processes.get(name).set(sample[0], sample)
          newest = Math.max(newest, sample[0])
        }
      }
      for (const [name, samples] of processes) {
        for (const at of samples.keys()) if (at <= newest - length) samples.delete(at)
        if (samples.size === 0) processes.delete(name)
      }
    },

    // points returns a value at each moment at which there is a sample, as [time, value],
    // added up for all processes, or of one.
    points (column, name = '') {
      const sums = new Map()
      for (const [process, samples] of processes) {
        if (name !== '' && process !== name) continue
        for (const sample of samples.values()) sums.set(sample[0], (sums.get(sample[0]) ?? 0) + sample[column])
      }
      return [...sums].sort(([a], [b]) => a - b)
    }
  }
}

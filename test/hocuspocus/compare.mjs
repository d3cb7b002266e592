// Compares what crossed the sockets in the same scenario with the original server and with yroom.
//
// These differences are allowed:
//   - An ack comes when the edit is stored, so its place among the other frames differs. Its number doesn't.
//   - yroom doesn't send an ack for an edit that was made before SyncStep1 and is sent after it: the client begins to
//     count again at SyncStep1, and takes each ack for that of a later edit.
//   - The updates of one turn may be merged into one echo.
//   - If a client sends SyncStep1 again before the answer is written, it may be asked and answered once or twice. So
//     equal steps count once; the number of acks doesn't depend on it.
//   - The states of awareness that a client has seen already may come again or not. How a server tells that a state is
//     gone, on which its client may show it again, is not compared, and neither are states without content: the
//     scenarios look at what each person sees.
//   - Frames of different kinds may pass each other: awareness, steps and, once a document is open, updates and the rest.
//   - yroom tells the scope again when it changes.
//   - Before a document is closed, a provider that hasn't told its version may be denied it: see lastFrame in package
//     consumer.
//   - A server may ping.

import * as Y from 'yjs'
import { content, decode, made } from './frames.mjs'

// Returns how the recordings of two stages differ, or "".
export function compare (original, yroom) {
  const [want, got] = [normal(original, true), normal(yroom, false)]
  for (const name of new Set([...Object.keys(want), ...Object.keys(got)])) {
    const [a, b] = [want[name], got[name]].map(value => JSON.stringify(value, null, 1))
    if (a !== b) return `${name}:\n${excerpt(a, b)}`
  }
  return ''
}

// The places where two texts differ first.
function excerpt (a = 'nothing', b = 'nothing') {
  const [as, bs] = [a.split('\n'), b.split('\n')]
  let i = 0
  while (as[i] === bs[i]) i++
  const show = lines => lines.slice(Math.max(0, i - 6), i + 14).join('\n')
  return `the original server:\n${show(as)}\nyroom:\n${show(bs)}`
}

// The recordings of a stage in a form that allows these differences: for each socket, document and end, its frames.
function normal (stage, dropsUncounted) {
  const all = {}
  for (const [name, recordings] of stage.sockets) {
    recordings.forEach((recording, n) => {
      const socket = `socket ${name}, connection ${n + 1}`
      if (recording.closed?.code > 1006) all[socket] = recording.closed
      const sessions = []
      for (const { from, data } of recording.frames) {
        const frame = decode(from, data)
        if (frame.type === 'ping' || frame.type === 'pong') continue
        const [room, session] = frame.address.split('\0')
        if (session && !sessions.includes(session)) sessions.push(session)
        const document = session ? `${room}, session ${sessions.indexOf(session) + 1}` : room
        const flow = from => (all[`${socket}, document ${document}, from the ${from}`] ??= new Flow())
        flow(from).add(frame)
        if (dropsUncounted && from === 'client' && flow(from).sendsUncounted(frame)) flow('server').uncounted++
      }
    })
  }
  for (const key of Object.keys(all)) if (all[key] instanceof Flow) all[key] = all[key].done()
  return all
}

// The frames of one document in one direction.
class Flow {
  constructor () {
    this.openings = [] // the frames from the reply to a token up to SyncStep2
    this.opening = null
    this.acks = []
    this.uncounted = 0 // of the acks
    this.clocks = null // from SyncStep1 to SyncStep2
    this.steps = []
    this.updates = []
    this.awareness = {}
    this.rest = []
  }

  // Whether a client sends an edit that it doesn't count.
  sendsUncounted (frame) {
    if (frame.type === 'step1') this.clocks = frame.clocks
    if (frame.type === 'step2') this.clocks = null
    return frame.type === 'update' && this.clocks !== null && made(this.clocks, frame.update)
  }

  add ({ address, ...frame }) {
    if (frame.type === 'authenticated') {
      const { scope } = this
      this.scope = frame.text
      if (scope && scope !== frame.text) return
      this.openings.push(this.opening = [])
    }
    if (frame.type !== 'status' && frame.type !== 'awareness') this.opening?.push(frame.type)
    if (frame.type === 'step2') this.opening = null
    switch (frame.type) {
      case 'status': this.acks.push(frame.applied); break
      case 'update': this.updates.push(frame.update); break
      case 'step1': this.step(frame); break
      case 'step2': this.step({ type: 'step2', ...content(frame.update) }); break
      case 'awareness':
        for (const { id, clock, state } of frame.states) {
          if (state === null || Object.keys(state).length === 0) continue
          const seen = this.awareness[id] ??= []
          const what = `${clock}: ${JSON.stringify(state)}`
          if (!seen.includes(what)) seen.push(what)
        }
        break
      case 'close':
        if (this.rest.at(-1)?.type === 'denied' && this.rest.at(-1).text === frame.text) this.rest.pop()
        this.rest.push(frame)
        break
      default: this.rest.push(frame)
    }
  }

  step (frame) {
    const text = JSON.stringify(frame)
    if (!this.steps.some(step => JSON.stringify(step) === text)) this.steps.push(frame)
  }

  done () {
    const { openings, steps, awareness, rest } = this
    const acks = this.acks.slice(this.uncounted)
    const updates = this.updates.length > 0 ? content(Y.mergeUpdates(this.updates)) : null
    return { openings, acks, steps, updates, awareness, rest }
  }
}

// Frames of the Hocuspocus protocol, decoded and encoded.

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

export const type = { sync: 0, awareness: 1, auth: 2, query: 3, stateless: 5, broadcast: 6, close: 7, status: 8 }

// Decodes a frame that the client or the server has sent. What can't be read has the type "unknown".
export function decode (from, data) {
  if (typeof data === 'string') return { address: '', type: 'text', text: data }
  if (data.length === 1) return { address: '', type: { 9: 'ping', 10: 'pong' }[data[0]] ?? 'unknown' }
  try {
    const decoder = decoding.createDecoder(data)
    const address = decoding.readVarString(decoder)
    const frame = { address, ...body(from, decoding.readVarUint(decoder), decoder) }
    return decoding.hasContent(decoder) ? { ...frame, rest: [...decoding.readTailAsUint8Array(decoder)] } : frame
  } catch {
    return { address: '', type: 'unknown', data: [...data] }
  }
}

function body (from, number, decoder) {
  switch (number) {
    case type.sync: {
      const step = decoding.readVarUint(decoder)
      const data = decoding.readVarUint8Array(decoder)
      if (step === 0) return { type: 'step1', clocks: clocks(data) }
      return { type: ['step1', 'step2', 'update'][step], update: data }
    }
    case type.awareness: return { type: 'awareness', states: states(decoding.readVarUint8Array(decoder)) }
    case type.auth: {
      const kind = decoding.readVarUint(decoder)
      if (from === 'server') {
        if (kind === 0) return { type: 'token please' }
        return { type: ['', 'denied', 'authenticated'][kind], text: decoding.readVarString(decoder) }
      }
      const token = decoding.readVarString(decoder)
      return { type: 'token', token, version: decoding.hasContent(decoder) ? decoding.readVarString(decoder) : null }
    }
    case type.query: return { type: 'query' }
    case type.stateless: return { type: 'stateless', text: decoding.readVarString(decoder) }
    case type.close: return { type: 'close', text: from === 'server' ? decoding.readVarString(decoder) : '' }
    case type.status: return { type: 'status', applied: decoding.readVarUint(decoder) }
  }
  return { type: 'number ' + number, data: [...decoding.readTailAsUint8Array(decoder)] }
}

function clocks (vector) {
  return [...Y.decodeStateVector(vector)].sort(([a], [b]) => a - b)
}

function states (update) {
  const decoder = decoding.createDecoder(update)
  const list = []
  for (let n = decoding.readVarUint(decoder); n > 0; n--) {
    list.push({ id: decoding.readVarUint(decoder), clock: decoding.readVarUint(decoder), state: JSON.parse(decoding.readVarString(decoder)) })
  }
  return list
}

// Whether a client with this state vector, a list of clocks, has made an update already. It can't be told of one that
// only deletes.
export function made (clocks, update) {
  const known = new Map(clocks)
  const ends = [...Y.parseUpdateMeta(update).to]
  return ends.length > 0 && ends.every(([id, clock]) => clock <= (known.get(id) ?? 0))
}

// What an update contains, whatever the way in which it is divided into blocks: for each client the runs of
// clocks, each with its content, and the deleted ones.
export function content (update) {
  const { structs, ds } = Y.decodeUpdate(update)
  const written = {}
  for (const struct of structs) {
    const { client, clock } = struct.id
    if (struct.constructor.name === 'Skip') continue
    const runs = written[client] ??= []
    const last = runs.at(-1)
    const units = unitsOf(struct)
    if (last && last.from + last.units.length === clock) last.units.push(...units)
    else runs.push({ from: clock, units })
  }
  const deleted = {}
  for (const [client, ranges] of ds.clients) {
    const runs = deleted[client] = []
    for (const { clock, len } of [...ranges].sort((a, b) => a.clock - b.clock)) {
      const last = runs.at(-1)
      if (last && last.from + last.length >= clock) last.length = Math.max(last.length, clock + len - last.from)
      else runs.push({ from: clock, length: len })
    }
  }
  return { written, deleted }
}

function unitsOf ({ length, content }) {
  if (!content || content.constructor.name === 'ContentDeleted') return Array(length).fill('gone')
  if (typeof content.str === 'string') return [...Array(length).keys()].map(i => content.str[i])
  if (Array.isArray(content.arr)) return content.arr.map(value => JSON.stringify(value))
  return Array(length).fill(content.constructor.name)
}

// Encodes a frame from parts: numbers are varUints, strings varStrings, and arrays of bytes are preceded by their length.
export function frame (...parts) {
  const encoder = encoding.createEncoder()
  for (const part of parts) {
    if (typeof part === 'number') encoding.writeVarUint(encoder, part)
    else if (typeof part === 'string') encoding.writeVarString(encoder, part)
    else encoding.writeVarUint8Array(encoder, Uint8Array.from(part))
  }
  return encoding.toUint8Array(encoder)
}

export const frames = {
  token: (address, token, version) => version ? frame(address, type.auth, 0, token, version) : frame(address, type.auth, 0, token),
  step1: (address, vector = new Uint8Array([0])) => frame(address, type.sync, 0, vector),
  step2: (address, update = new Uint8Array([0, 0])) => frame(address, type.sync, 1, update),
  update: (address, update) => frame(address, type.sync, 2, update),
  stateless: (address, text) => frame(address, type.stateless, text),
  query: address => frame(address, type.query),
  close: address => frame(address, type.close),
  awareness (address, ...entries) {
    return frame(address, type.awareness, frame(entries.length, ...entries.flatMap(({ id, clock, state }) => [id, clock, JSON.stringify(state)])))
  }
}

// Records what crosses the sockets of a provider.

import { WebSocket } from 'ws'

// Returns a class of sockets. Each adds its recording to the list: the frames in the order in which this end has
// sent and received them, and how the socket was closed. It calls onFrame for each frame before the provider has it.
export function tapping (recordings, onFrame = () => {}) {
  return class extends WebSocket {
    constructor (url) {
      super(url)
      this.recording = { frames: [], closed: null }
      recordings.push(this.recording)
      this.on('message', (data, binary) => this.record('server', binary ? new Uint8Array(data) : String(data)))
      this.on('close', (code, reason) => { this.recording.closed = { code, reason: String(reason) } })
    }

    send (data, ...rest) {
      this.record('client', typeof data === 'string' ? data : new Uint8Array(data))
      super.send(data, ...rest)
    }

    record (from, data) {
      const frame = { from, data }
      this.recording.frames.push(frame)
      onFrame(this.recording, frame)
    }
  }
}

// The line of one person to a server, which can be cut. Where it leads is far, host and port.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export class Line {
  static async lay () {
    const line = new Line()
    line.sockets = new Set()
    line.dead = false
    line.server = createServer(near => {
      if (line.dead) return near.destroy()
      const [host, port] = line.far.split(':')
      const far = connect(port, host)
      for (const [one, other] of [[near, far], [far, near]]) {
        line.sockets.add(one)
        one.pipe(other)
        one.on('error', () => {})
        one.on('close', () => {
          line.sockets.delete(one)
          other.destroy()
        })
      }
    })
    line.server.listen(0, '127.0.0.1')
    await once(line.server, 'listening')
    line.url = `http://127.0.0.1:${line.server.address().port}`
    return line
  }

  // What is under way is lost, and nothing gets through until it is mended.
  cut () {
    this.dead = true
    for (const socket of this.sockets) socket.destroy()
  }

  mend () {
    this.dead = false
  }

  end () {
    this.cut()
    this.server.close()
  }
}

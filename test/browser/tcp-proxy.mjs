// A TCP proxy between one browser and a server, whose connections can be cut.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export class TCPProxy {
  static async start () {
    const proxy = new TCPProxy()
    proxy.sockets = new Set()
    proxy.down = false
    proxy.server = createServer(near => {
      if (proxy.down) return near.destroy()
      const [host, port] = proxy.far.split(':')
      const far = connect(port, host)
      for (const [one, other] of [[near, far], [far, near]]) {
        proxy.sockets.add(one)
        one.pipe(other)
        one.on('error', () => {})
        one.on('close', () => {
          proxy.sockets.delete(one)
          other.destroy()
        })
      }
    })
    proxy.server.listen(0, '127.0.0.1')
    await once(proxy.server, 'listening')
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`
    return proxy
  }

  // Leads to a server from now on, given its host and port. Browsers keep connections that are not in use.
  lead (far) {
    this.far = far
    for (const socket of this.sockets) socket.destroy()
  }

  // Data in transit is lost, and new connections fail until mend is called.
  cut () {
    this.down = true
    for (const socket of this.sockets) socket.destroy()
  }

  mend () {
    this.down = false
  }

  end () {
    this.cut()
    this.server.close()
  }
}

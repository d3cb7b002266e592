// A yroom server of one's own, with a store on disk, that can be taken away and come back.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)

export class Server {
  // Program is the file of yroom, or of the robot. Without a folder the server makes
  // one, which ends with it. With a token it has the document API, and with a secret it
  // admits only clients with tokens that are signed with it. Settings are the text of its
  // settings file, with the level of its log.
  static async start (program, { folder, token, secret, settings, robot = false } = {}) {
    const server = new Server()
    Object.assign(server, { program, token, secret, settings, robot })
    server.folder = folder ?? await mkdtemp(join(tmpdir(), 'yroom-browser-'))
    if (token) await writeFile(join(server.folder, 'token'), token, { mode: 0o600 })
    if (secret) await writeFile(join(server.folder, 'secret'), secret, { mode: 0o600 })
    if (settings) await writeFile(join(server.folder, 'yroom.yaml'), settings)
    server.address = '127.0.0.1:0'
    await server.restart()
    return server
  }

  // Starts the server again, with the same files at the same address.
  async restart () {
    const arguments_ = this.robot ? [] : ['serve', '--listen', this.address, '--name', 'web-1', '--store', 'sqlite:yroom.db']
    if (!this.robot && !this.settings) arguments_.push('--log-level', 'warn')
    if (this.token) arguments_.push('--api-token-file', 'token')
    if (this.secret) arguments_.push('--jwt-key-file', 'secret')
    this.process = spawn(this.program, arguments_, { cwd: this.folder, stdio: ['ignore', 'pipe', 'inherit'] })
    this.ended = once(this.process, 'exit')
    const [line] = await Promise.race([once(createInterface(this.process.stdout), 'line'), this.ended])
    this.address = /http:\/\/([^/]+)\//.exec(line)?.[1]
    if (!this.address) throw new Error(`no address in ${JSON.stringify(line)}`)
  }

  get url () { return `http://${this.address}` }

  // Returns a token with which a client may enter each room.
  async admission (access, ...more) {
    const { stdout } = await run(this.program, ['token', '--key-file', 'secret', '--room', '*', '--access', access, ...more], { cwd: this.folder })
    return stdout.trim()
  }

  // Holds the process where it is: connections stay, and nothing is answered.
  freeze () { this.process.kill('SIGSTOP') }

  thaw () { this.process.kill('SIGCONT') }

  // As kill -9 does, at any moment, frozen or not.
  async kill () {
    this.process.kill('SIGKILL')
    await this.ended
  }

  // Another server, on a copy of the files as they are now.
  async copy () {
    const folder = await mkdtemp(join(tmpdir(), 'yroom-browser-'))
    await cp(this.folder, folder, { recursive: true })
    return Server.start(this.program, { folder })
  }

  async end () {
    await this.kill()
    await rm(this.folder, { recursive: true })
  }
}

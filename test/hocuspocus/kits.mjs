// The providers of Hocuspocus from npm, unchanged, behind one way to use them.

import { WebSocket } from 'ws'

export { WebSocket }

// A reconnecting provider waits a second or more, which tests needn't.
const impatient = { delay: 100, minDelay: 100, maxDelay: 500, jitter: false }

const modern = {
  socket: (module, options) => new module.HocuspocusProviderWebsocket({ ...impatient, ...options }),
  provider (module, options) {
    const provider = new module.HocuspocusProvider(options)
    provider.attach()
    return provider
  },
  attach: provider => provider.attach(),
  detach: provider => provider.detach()
}

// Without a token, provider 2 sends no Auth, and an original server with a login never answers.
const second = {
  ...modern,
  socket: (module, options) => new module.HocuspocusProviderWebsocket({ quiet: true, ...impatient, ...options }),
  provider: (module, options) => new module.HocuspocusProvider({ broadcast: false, quiet: true, ...options }),
  attach: provider => provider.connect(),
  detach: provider => provider.disconnect()
}

export const kits = {
  'provider 2': async () => ({ version: 2, module: await import('hocuspocus-provider-2'), ...second }),
  'provider 3': async () => ({ version: 3, module: await import('hocuspocus-provider-3'), ...modern }),
  'provider 4': async () => ({ version: 4, module: await import('hocuspocus-provider-4'), ...modern })
}

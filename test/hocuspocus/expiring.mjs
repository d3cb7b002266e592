// Scenarios of a server whose tokens expire: "short" names one for which the server asks again soon. Provider 2 doesn't
// send its token again.

import { hold, until } from './stage.mjs'

// A person whose first token expires, and is replaced by another one.
async function renewing (stage, name, next) {
  let asked = 0
  const client = stage.client(name, { token: () => stage.token(asked++ === 0 ? 'short' : next) })
  await client.synced()
  client.type('before ')
  await client.settled()
  await until(`the server asks ${name} for a token`, () => asked === 2, 20)
  return client
}

export const expiring = {
  'a new token in time': async stage => {
    const ann = await renewing(stage, 'ann', 'writer')
    ann.type('after')
    await ann.settled()
    hold('the document was not closed', ann.closes.length === 0 && stage.sockets.get('ann').length === 1)
  },

  'a new token for less': async stage => {
    const ann = await renewing(stage, 'ann', 'reader')
    await until('the scope is told', () => ann.provider.authorizedScope === 'readonly', 20)
    ann.type('after')
    await until('the edit is refused', () => ann.frames('server', 'status').some(({ applied }) => applied === 0), 20)
    hold('the edit is not stored', (await stage.stored()).getText('text').toString() === 'before ')
  },

  'a new token that is refused': async stage => {
    const ann = await renewing(stage, 'ann', 'nonsense')
    await until('the document is closed', () => ann.closes.length > 0, 20)
    hold(`the reason is told: ${ann.closes}`, ann.closes[0] === stage.server.denial)
  }
}

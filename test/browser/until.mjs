import { hold, sleep } from '../clients/stage.mjs'

export { hold, sleep }

export const patience = 30 // seconds: for what takes one, on a machine that is busy

// Waits for a condition, which may be asynchronous. What it is may be a function, to be asked in the end.
export async function until (what, condition) {
  const deadline = Date.now() + 1000 * patience
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${patience} s: ${typeof what === 'function' ? what() : what}`)
    await sleep(50)
  }
}

// What a page looks like, to people who see it, and to those who don't.

import axe from 'axe-core'
import { hold, until } from './until.mjs'

export const wide = { width: 1280, height: 800 }
export const phone = { width: 390, height: 844 }

// Keeps a picture of the page, light or dark, on a device of some size, and holds it to what can be measured.
async function hang (stage, person, what, colorScheme, size) {
  const { page } = person
  await page.setViewportSize(size)
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  const picture = `${what}, ${size === phone ? 'phone' : 'wide'}, ${colorScheme}`
  await stage.picture(person, picture)
  await fits(page, picture)
}

// The page is not wider than the window.
export async function fits (page, what) {
  const { inner, outer } = await page.evaluate(() => ({ inner: document.documentElement.scrollWidth, outer: window.innerWidth }))
  hold(`${what}: nothing is cut off at the side: ${inner} pixels in ${outer}`, inner <= outer)
}

// The page is accessible: for users with low vision, with a screen reader, or without a mouse. Options are those of axe.
export async function accessible (page, what, options = {}) {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(options => window.axe.run({ resultTypes: ['violations'], ...options }), options)
  const faults = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  const told = faults.map(({ help, nodes }) => `${help}: ${nodes.map(node => node.html + ' ' + node.failureSummary).join('; ')}`)
  hold(`${what}: ${told.join('\n')}`, faults.length === 0)
}

// Looks at the page as it is.
export async function look (stage, person, what) {
  await hang(stage, person, what, 'dark', wide)
  await hang(stage, person, what, 'dark', phone)
  await accessible(person.page, `${what}, dark, on a phone`)
  await hang(stage, person, what, 'light', phone)
  await hang(stage, person, what, 'light', wide)
  await accessible(person.page, `${what}, light, wide`)
}

// Waits until a person can read the name on the caret of another, or can't any more.
export async function named (person, name, shown) {
  const label = person.page.locator('.caret-name', { hasText: name })
  await until(`${person.name} ${shown ? 'can' : 'can not'} read ${name} on a caret`, () => label.evaluate((label, opacity) => getComputedStyle(label).opacity === opacity, shown ? '1' : '0'))
  return label
}

// What has the focus: the editor or its toolbar, or its id, or what it says.
export const focused = page => page.evaluate(() => {
  const { activeElement: element } = document
  return element.closest('#editor, #toolbar')?.id ?? (element.id || element.innerText)
})

// Presses Tab until what is asked for has the focus.
export async function tabTo (page, wanted, back = false) {
  const seen = []
  while (seen.at(-1) !== wanted) {
    hold(`Tab comes to ${wanted}, after ${seen}`, seen.length < 30)
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab')
    seen.push(await focused(page))
  }
}

// Presses Tab until something else has the focus.
export async function leave (page, from) {
  for (let tabs = 0; await focused(page) === from; tabs++) {
    hold(`Tab leaves ${from}`, tabs < 20)
    await page.keyboard.press('Tab')
  }
}

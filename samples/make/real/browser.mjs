// The browser: Chromium, in which somebody logs in and agrees.

import puppeteer from 'puppeteer-core';

/** Starts one without a window. */
export async function launch({ executable = '/usr/bin/chromium', proxy } = {}) {
    const args = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run',
        '--disable-sync', '--disable-features=OptimizationHints,MediaRouter'];
    if (proxy) args.push(`--proxy-server=${proxy}`, '--proxy-bypass-list=<-loopback>');
    return puppeteer.launch({ executablePath: executable, headless: true, pipe: true, args });
}

/** Opens the authorization endpoint, logs in, agrees, and waits for the page that says where it ended. */
export async function logIn(browser, url, { decline = false, giveUp = false, hesitate = 0 } = {}) {
    const page = await browser.newPage();
    await page.goto(url, { waitUntil: 'load' }).catch(() => undefined);
    for (let round = 0; round < 4 && !giveUp; round++) {
        const form = await page.$('form');
        if (!form || !page.url().includes('/interaction/')) break;
        const name = await page.$('input[name=login]');
        if (name) {
            await name.type('robin');
            await (await page.$('input[name=password]')).type('not-a-real-one');
        }
        const next = decline && !name ? await page.$('a[href$="/abort"]') : await page.$('button[type=submit]');
        await new Promise(resolve => setTimeout(resolve, hesitate));
        await Promise.all([
            page.waitForNavigation({ waitUntil: 'load', timeout: 8000 }).catch(() => undefined),
            next.click(),
        ]);
    }
    await new Promise(resolve => setTimeout(resolve, 300));
    const at = page.url();
    await page.close();
    return at;
}

# SPDX-License-Identifier: Apache-2.0
"""Opens a run's report in headless Chromium, without a network, and prints as JSON what a reader sees.

    .setup/venv/bin/python report_in_browser.py REPORT.html [ITEM]

ITEM is chosen in the list of items by its name. The numbers come from the page itself, not from its data.
"""
import json
import pathlib
import shutil
import sys

from playwright.sync_api import sync_playwright

LOOK = """() => {
  const text = (selector) => [...document.querySelectorAll(selector)].map((e) => e.textContent);
  const number = (cell) => Number(cell.textContent.replace(/\\s/g, ''));
  const canvas = document.querySelector('canvas');
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const style = getComputedStyle(document.documentElement);
  const shares = {};
  for (const state of 'dueRwfx'.toLowerCase()) {
    const [r, g, b] = style.getPropertyValue('--state-' + state).trim().match(/[0-9a-f]{2}/g).map((h) => parseInt(h, 16));
    let count = 0;
    for (let i = 0; i < pixels.length; i += 4)
      if (pixels[i] === r && pixels[i + 1] === g && pixels[i + 2] === b && pixels[i + 3] === 255) ++count;
    shares[state] = count / (pixels.length / 4);
  }
  return {
    title: document.title,
    verdict: document.querySelector('#verdict').textContent,
    steps: Object.fromEntries([...document.querySelectorAll('#steps-table tbody tr')].map((row) => [
      row.dataset.step, Object.fromEntries([...row.querySelectorAll('[data-count]')].map((c) => [c.dataset.count, number(c)]))])),
    failures: text('#failures li'),
    legend: Object.fromEntries([...document.querySelectorAll('.legend')].map((e) => [e.dataset.state, e.textContent.trim()])),
    crs: canvas.dataset.crs,
    map_shares: shares,
    pictures: [...document.querySelectorAll('#pictures img')].map((image) => [image.alt, image.naturalWidth, image.naturalHeight]),
    parameters: text('#parameters tbody tr'),
    document_text: text('#document pre').join(''),
    durations: text('#durations figcaption'),
    executions: text('#executions tbody tr'),
    metrics: text('#metrics figcaption'),
    metric_rows: text('#metrics tbody tr'),
    metric_plots: document.querySelectorAll('#metrics .u-wrap canvas').length,
    scripts: document.scripts.length,
    foreign_elements: document.querySelectorAll('img:not([src^="data:"]), link, iframe, object, embed').length,
    background: getComputedStyle(document.body).backgroundColor,
    overflow: [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll'))
      .map((e) => e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 60))
      .concat(document.documentElement.scrollWidth > innerWidth ? ['the page is ' + document.documentElement.scrollWidth + ' wide'] : []),
  };
}"""


def open_page(context, path, noticed):
    page = context.new_page()
    page.on("request", lambda request: noticed["requests"].append(request.url))
    # Chromium remarks that our own look at the map's pixels is slow.
    page.on("console", lambda message: "getImageData" in message.text or noticed["console"].append(message.text))
    page.on("pageerror", lambda error: noticed["errors"].append(str(error)))
    page.on("dialog", lambda dialog: (noticed["errors"].append("dialog"), dialog.dismiss()))
    page.goto(path.resolve().as_uri())
    page.wait_for_selector("#verdict")
    return page


def choose(page, item):
    """By keyboard alone: the list is opened, the name typed, the button pressed."""
    summary = page.locator("#map summary")
    summary.focus()
    summary.press("Enter")
    page.locator("#map input[type=search]").fill(item)
    button = page.locator("#map ul.names button").first
    button.wait_for()
    button.focus()
    button.press("Enter")
    return page.locator("#map .selected").inner_text()


def main():
    path, item = pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    noticed = {"requests": [], "console": [], "errors": []}
    with sync_playwright() as playwright:
        # The sandbox of Chromium does not start for root, nor in most containers.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        wide = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
        page = open_page(wide, path, noticed)
        seen = page.evaluate(LOOK)
        if item is not None:
            seen["chosen"] = choose(page, item)
            page.locator("canvas").click()  # in its middle
            seen["in_the_middle"] = page.locator("#map .selected").inner_text()
            page.locator("canvas").press("+")
            page.locator("canvas").press("ArrowRight")
            page.locator("canvas").press("0")
            seen["legend_boxes"] = page.locator(".legend input").count()
            for box in page.locator(".legend input").all():
                box.press("Space")
            seen["map_shares_hidden"] = page.evaluate(LOOK)["map_shares"]
        phone = browser.new_context(offline=True, color_scheme="dark", viewport={"width": 360, "height": 740})
        seen["phone"] = {key: value for key, value in open_page(phone, path, noticed).evaluate(LOOK).items()
                         if key in ("overflow", "background")}
        browser.close()
    print(json.dumps({**seen, **noticed}))


if __name__ == "__main__":
    main()

/* What checks.py looks for in a page; answers with plain lists. */
(() => {
  const seen = e => { const b = e.getBoundingClientRect(), s = getComputedStyle(e);
    return b.width > 1 && b.height > 1 && s.visibility !== 'hidden' && !e.closest('.visually-hidden, .skip, details:not([open]) > :not(summary)'); };
  const name = e => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + ' "' + (e.textContent || e.value || '').trim().replace(/\s+/g, ' ').slice(0, 30) + '"';

  const overlap = (controls) => {
    const pinned = e => ['fixed', 'sticky'].includes(getComputedStyle(e).position);
    const bars = [...document.querySelectorAll('body *')].filter(e => seen(e) && pinned(e));
    const things = [...document.querySelectorAll(controls + ', p, h1, h2, h3, dd, li.step, .tag')].filter(seen);
    const reached = new Set(), found = new Set();
    const at = (x, y) => document.elementFromPoint(x, y);
    const own = (e, hit) => hit && (e.contains(hit) || (e.labels && [...e.labels].some(l => l.contains(hit))));
    const end = document.documentElement.scrollHeight - innerHeight;
    for (let y = 0; ; y += innerHeight / 6) {
      scrollTo(0, Math.min(y, end));
      for (const bar of bars) {
        const b = bar.getBoundingClientRect();
        for (let i = 1; i < 24; i++) for (const part of [0.15, 0.5, 0.85]) {
          const px = b.left + b.width * i / 24, py = b.top + b.height * part;
          if (px < 0 || py < 0 || px >= innerWidth || py >= innerHeight) continue;
          const hit = at(px, py);
          if (!own(bar, hit)) found.add(name(bar).slice(0, 24) + ' is covered by ' + (hit ? name(hit) : 'nothing'));
        }
      }
      for (const e of things) {
        if (reached.has(e)) continue;
        const b = e.getBoundingClientRect(), hit = at(b.left + b.width / 2, b.top + b.height / 2);
        if (own(e, hit) || (hit && hit.contains(e) && !pinned(hit) && !e.matches(controls))) reached.add(e);
      }
      if (y >= end) break;
    }
    things.filter(e => !reached.has(e)).forEach(e => found.add(name(e) + ' cannot be reached'));
    scrollTo(0, 0);
    return [...found];
  };

  const targets = ([controls, minimum]) => {
    const inText = e => e.tagName === 'A' && getComputedStyle(e).display === 'inline' && e.parentNode.textContent.trim() !== e.textContent.trim();
    const ticked = e => ['radio', 'checkbox'].includes(e.type);
    const area = e => ticked(e) && e.closest('label') ? e.closest('label') : e;
    return [...document.querySelectorAll(controls)].filter(e => seen(e) && !inText(e)).map(e => [e, area(e).getBoundingClientRect()])
      .filter(([e, b]) => b.width < minimum - .5 || b.height < minimum - .5).map(([e, b]) => name(e) + ' ' + Math.round(b.width) + 'x' + Math.round(b.height));
  };

  const texts = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), sizes = {};
    while (walker.nextNode()) {
      const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
      if (!text || !seen(e) || ['SCRIPT', 'STYLE'].includes(e.tagName)) continue;
      const s = getComputedStyle(e), px = parseFloat(s.fontSize), ratio = parseFloat(s.lineHeight) / px || 1.2;
      const key = px.toFixed(1) + '/' + ratio.toFixed(2);
      sizes[key] = sizes[key] || {px: px, ratio: ratio, sample: text.slice(0, 20)};
    }
    return Object.values(sizes).sort((a, b) => a.px - b.px);
  };

  const hosts = () => {
    const named = [...document.querySelectorAll('[src], [href], [action], [srcset], [data-poll]')].map(e =>
      e.getAttribute('src') || e.getAttribute('href') || e.getAttribute('action') || e.getAttribute('srcset') || e.getAttribute('data-poll'));
    const loaded = performance.getEntriesByType('resource').map(r => r.name);
    return [...new Set(named.concat(loaded).map(a => new URL(a, location.href)).filter(u => /^http/.test(u.protocol) && u.host !== location.host).map(u => u.host))];
  };

  return { overlap, targets, texts, hosts };
})()

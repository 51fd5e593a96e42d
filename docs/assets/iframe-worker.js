// Browsers start no worker for a page that was opened from a disk, and the search of this site is one. Here it runs in a
// hidden frame instead. Over HTTP nothing is changed.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.title = "Search"
      document.body.append(frame)
      this.inner = frame.contentWindow
      const load = (address) =>
        new Promise((resolve, reject) => {
          const script = this.inner.document.createElement("script")
          script.src = address
          script.onload = resolve
          script.onerror = reject
          this.inner.document.head.append(script)
        })
      this.inner.importScripts = (...addresses) =>
        addresses.reduce((before, address) => before.then(() => load(address)), Promise.resolve())
      this.inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
      this.ready = load(url)
    }

    postMessage(data) {
      this.ready.then(() => this.inner.dispatchEvent(new MessageEvent("message", { data })))
    }

    terminate() {
      this.inner.frameElement.remove()
    }
  }
}

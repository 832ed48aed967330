/** Calls back when the page is hidden or goes away, which may be the last that it hears. @returns what ends it. */
export function onPageHide(callback: () => void): () => void {
  if (typeof document === 'undefined') return () => {};
  const whenHidden = () => {
    if (document.visibilityState === 'hidden') callback();
  };
  document.addEventListener('visibilitychange', whenHidden);
  addEventListener('pagehide', callback);
  return () => {
    document.removeEventListener('visibilitychange', whenHidden);
    removeEventListener('pagehide', callback);
  };
}

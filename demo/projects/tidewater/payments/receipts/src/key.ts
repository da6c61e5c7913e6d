/** Where a receipt is kept: one folder a month, so that ten years stay easy to walk through. */
export const key = (payment: string, paid: Date): string =>
  `${paid.toISOString().slice(0, 7)}/${payment}.pdf`;

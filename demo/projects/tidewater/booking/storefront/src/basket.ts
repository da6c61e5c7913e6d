export interface Ticket {
  sailing: string;
  cents: number;
}

export const total = (basket: readonly Ticket[]): number =>
  basket.reduce((sum, ticket) => sum + ticket.cents, 0);

export const euros = (cents: number): string =>
  new Intl.NumberFormat("en", { style: "currency", currency: "EUR" }).format(cents / 100);

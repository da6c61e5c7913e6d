export interface Row {
  time: string;
  destination: string;
  remark: string;
}

export const remark = (delayMinutes: number): string =>
  delayMinutes === 0 ? "On time" : `About ${Math.ceil(delayMinutes / 5) * 5} minutes late`;

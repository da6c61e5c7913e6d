interface Departure {
  sailing: string;
  vessel: string;
  planned: string;
  delayMinutes: number;
}

const timetable = process.env.TIMETABLE_URL ?? "http://localhost:8081";

export async function departures(port: string, day: string): Promise<Departure[]> {
  const address = new URL(`/ports/${encodeURIComponent(port)}/departures`, timetable);
  address.searchParams.set("day", day);
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`timetable answered ${answer.status}`);
  return answer.json() as Promise<Departure[]>;
}

//! Works out the time of arrival from the distance that is left and the speed of late.

/// Minutes until arrival, or nothing while the vessel lies still.
fn minutes_left(nautical_miles: f64, knots: &[f64]) -> Option<f64> {
    let mean = knots.iter().sum::<f64>() / knots.len().max(1) as f64;
    (mean > 0.5).then(|| nautical_miles / mean * 60.0)
}

fn main() {
    match minutes_left(12.0, &[17.5, 18.0, 18.5]) {
        Some(minutes) => println!("arrives in {minutes:.0} minutes"),
        None => println!("lies still"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_speed() {
        assert_eq!(minutes_left(9.0, &[18.0]), Some(30.0));
    }

    #[test]
    fn at_the_berth() {
        assert_eq!(minutes_left(0.2, &[0.0]), None);
        assert_eq!(minutes_left(0.2, &[]), None);
    }
}

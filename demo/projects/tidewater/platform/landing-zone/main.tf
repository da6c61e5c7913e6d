terraform {
  required_version = ">= 1.9"
}

locals {
  databases = toset(["bookings", "ledger"])
}

# One entry for each database; the cluster module reads them from the state.
resource "terraform_data" "database" {
  for_each = local.databases
  input = {
    name  = each.key
    owner = each.key
  }
}

output "databases" {
  description = "Names of the databases in the cluster."
  value       = sort(local.databases)
}
